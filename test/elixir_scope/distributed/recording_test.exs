defmodule ElixirScope.Distributed.RecordingTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureLog

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.{Error, Export, Recording, Status}

  @moduletag :tmp_dir

  setup context do
    scope = :"#{context.module}.#{context.test}"
    start_supervised!({Scope, name: scope, node: :me@test})
    {:ok, scope: scope, path: Path.join(context.tmp_dir, "some.scope")}
  end

  defp fill(scope, count \\ 300) do
    for n <- 1..count,
        do: Scope.record(:item, {n, "text"}, scope: scope, correlation_id: rem(n, 10))

    events(scope)
  end

  defp events(scope, filters \\ []) do
    {:ok, events} = Scope.events([scope: scope] ++ filters)
    events
  end

  # Closed with the test, as nobody else does it.
  defp open!(path, options \\ []) do
    {:ok, name} = Scope.open(path, options)
    on_exit(fn -> Scope.close(name) end)
    name
  end

  defp save!(path, scope, filters \\ [], options \\ []) do
    {:ok, saved} = Scope.save(path, [scope: scope] ++ filters, options)
    saved
  end

  test "everything comes back as it was, in every form", %{scope: scope, path: path} do
    live = fill(scope)
    assert %Recording{events: 300, missing: missing, nodes: [:me@test]} = save!(path, scope)
    assert missing == %{}
    recording = open!(path)
    assert events(recording) == live
    assert events(recording, order: :desc) == Enum.reverse(live)
    assert Enum.to_list(Scope.stream(scope: recording)) == live
    assert Export.json_lines(scope: recording) == Export.json_lines(scope: scope)
    assert Scope.nodes_of(3, recording) == Scope.nodes_of(3, scope)

    {:ok, page} = Scope.query(scope: recording, limit: 100)
    assert {page.more?, page.nodes} == {true, [:me@test]}
    assert page.events ++ events(recording, after: page.cursor) == live
    assert events(recording, after: page.cursor) == events(scope, after: page.cursor)
  end

  test "of what matches nothing is left out, and nothing else is there",
       %{scope: scope, path: path} do
    live = fill(scope)
    {_, ns, _} = Enum.at(live, 150).at

    filters = [
      [correlation_id: 3],
      [contains: "77"],
      [from: ns],
      [to: ns, limit: 20],
      [pids: [self()]],
      [kinds: [:call]],
      %{nodes: [:nobody@test]}
    ]

    for filter <- filters do
      expected = events(scope, Enum.to_list(filter))
      {:ok, saved} = Scope.save(path, filter, scope: scope, overwrite: true)
      recording = open!(path)
      assert events(recording) == expected
      assert events(recording, Enum.to_list(filter)) == expected
      assert saved.events == length(expected)
    end
  end

  test "ids are shown as their users know them, though the marks that say so do not match",
       %{scope: scope, path: path} do
    Scope.with_correlation("order-17", fn ->
      Scope.record(:correlation, %{id: "order-17"}, scope: scope, correlation_id: key("order-17"))
      Scope.record(:inside, 1, scope: scope)
    end)

    Scope.record(:correlation, %{id: "other"}, scope: scope, correlation_id: key("other"))
    [inside] = events(scope, contains: "inside")
    assert inside.correlation_id == "order-17"

    assert %{events: 1, beside: 1} = save!(path, scope, contains: "inside")
    recording = open!(path)
    assert events(recording) == [inside]
    assert events(recording, correlation_id: "order-17") == [inside]

    # So it is when it is saved again.
    again = path <> "2"
    assert %{events: 1, beside: 1} = save!(again, recording)
    assert events(open!(again)) == [inside]
  end

  defp key(id), do: ElixirScope.Distributed.Capture.Correlation.key(id)

  test "what people wrote about its events is in it, and more can be written",
       %{scope: scope, path: path} do
    live = fill(scope, 20)
    [third, fourth] = for n <- [3, 4], do: Enum.find(live, &match?({^n, _}, &1.data))
    note(scope, third, "this one")
    note(scope, fourth, "not this one")
    assert %{events: 3} = save!(path, scope, correlation_id: 3)
    recording = open!(path)

    assert [%{text: "this one"}] =
             for(%{subject: :scope_note} = e <- events(recording), do: e.data)

    note(recording, third, "now I see")
    again = path <> "2"
    assert %{events: 4, nodes: nodes} = save!(again, recording)
    assert nodes == Enum.sort([:me@test, node()])
    reopened = open!(again)
    assert events(reopened) == events(recording)

    assert ["this one", "now I see"] =
             for(%{subject: :scope_note, data: data} <- events(reopened), do: data.text)
  end

  defp note(scope, %{id: {{node, incarnation}, seq}}, text) do
    of = {Atom.to_string(node), incarnation, seq}
    Scope.record(:scope_note, %{kind: :note, of: of, text: text}, scope: scope)
  end

  test "a scope is a recording until it is closed, one file may be several",
       %{scope: scope, path: path} do
    live = fill(scope, 10)
    save!(path, scope)
    [one, other] = [open!(path), open!(path)]
    assert one != other
    assert :"#{scope}_read" == open!(path, name: :"#{scope}_read")
    assert events(one) == events(other)
    assert events(:"#{scope}_read") == live

    assert {:error, %Error{reason: :scope_taken}} = Scope.open(path, name: one)
    assert {:error, %Error{reason: :scope_taken}} = Scope.open(path, name: scope)
    assert :ok = Scope.close(one)
    assert {:error, %Error{reason: :not_running}} = Scope.close(one)
    assert {:error, %Error{reason: :not_running}} = Scope.events(scope: one)
    assert {:error, %Error{reason: :no_recording} = error} = Scope.close(scope)
    assert Exception.message(error) =~ "stop/1"
    assert events(other) == live
    # The file is not needed by name any longer.
    File.rm!(path)
    assert events(other) == live
  end

  test "many at once find names of their own", %{scope: scope, path: path} do
    live = fill(scope, 10)
    save!(path, scope)

    names =
      1..6
      |> Task.async_stream(fn _n -> Scope.open(path) end, max_concurrency: 6)
      |> Enum.map(fn {:ok, {:ok, name}} -> name end)

    on_exit(fn -> for name <- names, do: Scope.close(name) end)
    assert length(Enum.uniq(names)) == 6
    for name <- names, do: assert(events(name) == live)
  end

  test "nothing happens in a recording, and it says so", %{scope: scope, path: path} do
    fill(scope, 10)
    save!(path, scope)
    recording = open!(path)

    for {:error, error} <- [
          Scope.subscribe(scope: recording),
          Scope.trace(Enum, scope: recording),
          Scope.stop_trace(recording),
          Scope.EventSynchronizer.sync_with_cluster(recording),
          Scope.NodeCoordinator.nodes(recording),
          Scope.GlobalClock.offset(:me@test, recording)
        ] do
      assert %Error{reason: :recording, details: %{recording: ^recording}} = error
      assert Exception.message(error) =~ "is a recording"
    end

    {:ok, %Status{recording: told} = status} = Scope.status(recording)
    assert %{events: 10, missing: missing, by: "me@test", lost: nil, path: ^path} = told
    assert {missing, told.filters, told.nodes} == {%{}, "[]", [:me@test]}
    assert %DateTime{} = told.saved_at
    assert [%{status: :up}] = Map.values(status.nodes)
    assert inspect(status) =~ "recording: 10 events"
    assert {:ok, %Status{recording: nil}} = Scope.status(scope)
  end

  test "of a file that is cut the rest can be had, and everybody is missing",
       %{scope: scope, path: path} do
    live = fill(scope, 200)
    save!(path, scope)
    whole = File.read!(path)
    File.write!(path, binary_part(whole, 0, byte_size(whole) - 5))
    assert {:error, %Error{reason: :cut} = error} = Scope.open(path)
    assert Exception.message(error) =~ "salvage: true"
    recording = open!(path, salvage: true)
    assert {:ok, result} = Scope.query(scope: recording)
    assert result.events == live
    assert result.missing == %{me@test: {:distributed_exit, :cut}}
    assert capture_log(fn -> events(recording) end) =~ "this is not everything"
    {:ok, %{recording: %{lost: {at, bytes}}}} = Scope.status(recording)
    assert at + bytes == byte_size(whole) - 5

    # What is saved of it says so, too.
    again = path <> "2"
    assert %{missing: %{me@test: {:distributed_exit, :cut}}} = save!(again, recording)

    assert {:ok, %{missing: %{me@test: {:distributed_exit, :cut}}}} =
             Scope.query(scope: open!(again))

    File.write!(path, binary_part(whole, 0, 20))
    assert {:error, %Error{reason: :cut}} = Scope.open(path, salvage: true)
    File.write!(path, :binary.replace(whole, "me@test", "MY@TEST"))
    assert {:error, %Error{reason: :damaged}} = Scope.open(path)
  end

  test "what was lost is known, whatever was saved", %{scope: scope, path: path} do
    fill(scope, 10)
    {:ok, store} = Scope.Scope.fetch(scope)
    Scope.Storages.Native.note(store, :gap, %{ring_full: 7})
    assert {:ok, %{dropped: 7}} = Scope.query(scope: scope)
    assert %{dropped: 7, events: 1, beside: 1} = save!(path, scope, correlation_id: 3)
    assert {:ok, %{dropped: 7, events: [_one]}} = Scope.query(scope: open!(path))
    assert %{dropped: 7, events: 11, beside: 0} = save!(path, scope, [], overwrite: true)
    assert {:ok, %{dropped: 7, events: all}} = Scope.query(scope: open!(path))
    assert length(all) == 11
  end

  test "what is wrong is said as a value", %{scope: scope, path: path, tmp_dir: folder} do
    fill(scope, 3)
    save!(path, scope)
    text = Path.join(folder, "text")
    File.write!(text, "no recording at all, but long enough for one")
    File.ln_s!(path, Path.join(folder, "link"))

    for {reason, outcome} <- [
          exists: Scope.save(path, [], scope: scope),
          is_folder: Scope.save(folder, [], scope: scope),
          is_folder: Scope.save(folder <> "/", [], scope: scope, overwrite: true),
          no_folder: Scope.save(Path.join(folder, "none/x"), [], scope: scope),
          not_plain: Scope.save(Path.join(folder, "link"), [], scope: scope, overwrite: true),
          not_running: Scope.save(path, scope: :nobody),
          bad_option: Scope.save(path, scope: scope, colour: :red),
          bad_option: Scope.save(path, scope: scope, order: :desc),
          bad_option: Scope.save(path, :all),
          bad_option: Scope.save(path, [], overwrite: :maybe),
          bad_option: Scope.save(:atom),
          bad_option: Scope.save(""),
          bad_option: Scope.save("a\0b"),
          bad_option: Scope.open(17),
          bad_option: Scope.open("a\0b"),
          bad_option: Scope.open(path, salvage: 1),
          bad_option: Scope.open(path, nmae: :x),
          no_file: Scope.open(Path.join(folder, "none")),
          no_file: Scope.open(Path.join(folder, "none/x")),
          is_folder: Scope.open(folder),
          not_plain: Scope.open(Path.join(folder, "link")),
          not_plain: Scope.open("/dev/null"),
          not_a_recording: Scope.open(text),
          no_folder: Scope.open(Path.join(path, "x")),
          not_running: Scope.close(:nobody)
        ] do
      assert {:error, %Error{reason: ^reason} = error} = outcome
      assert is_binary(Exception.message(error))
    end

    assert Enum.sort(File.ls!(folder)) == ["link", "some.scope", "text"]
  end

  test "a file of a later version is refused by its number", %{scope: scope, path: path} do
    fill(scope, 3)
    save!(path, scope)
    <<magic::binary-8, 1::little-32, _crc::binary-4, rest::binary>> = File.read!(path)
    head = <<magic::binary, 9::little-32>>
    File.write!(path, head <> <<crc32c(head)::little-32>> <> rest)
    assert {:error, %Error{reason: :later_version} = error} = Scope.open(path, salvage: true)
    assert Exception.message(error) =~ "version 9"
  end

  defp crc32c(bytes) do
    import Bitwise

    crc =
      for <<byte <- bytes>>, reduce: 0xFFFFFFFF do
        crc ->
          Enum.reduce(1..8, bxor(crc, byte), fn _bit, crc ->
            bxor(crc >>> 1, if((crc &&& 1) == 1, do: 0x82F63B78, else: 0))
          end)
      end

    bxor(crc, 0xFFFFFFFF)
  end
end
