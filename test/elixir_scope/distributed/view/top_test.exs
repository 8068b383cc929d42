defmodule ElixirScope.Distributed.View.TopTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO
  import ElixirScope.Distributed.Golden

  alias ElixirScope.Distributed.{Causality, Error, Stories, View}
  alias ElixirScope.Distributed.View.{Text, Top}
  doctest Top

  setup_all do
    {:ok, request} = Causality.build(Stories.request())
    [request: request]
  end

  defp lines(source, options) do
    {:ok, causality} = Causality.build(source)
    lines = Top.render(causality, [color: false, ascii: false] ++ options)
    for line <- lines, do: IO.iodata_to_binary(line)
  end

  for width <- [60, 80, 200] do
    test "a request at #{width} columns", %{request: request} do
      assert_golden("top_#{unquote(width)}.txt", lines(request, width: unquote(width)))
    end
  end

  test "each node by itself", %{request: request} do
    assert_golden("top_per_node.txt", lines(request, width: 120, per_node: true, by: :calls))
  end

  test "recursion counts once in the total, and every call in the figures" do
    events =
      Stories.events([
        {:a@h, 1, 0, :call, {A, :f, 1}, [], []},
        {:a@h, 1, 10, :call, {A, :f, 1}, [], []},
        {:a@h, 1, 30, :return, {A, :f, 1}, :ok, []},
        {:a@h, 1, 100, :return, {A, :f, 1}, :ok, []}
      ])

    assert [_, row | _] = lines(events, width: 200)
    assert row =~ ~r/^ 100.0 µs  100.0 µs +2   20.0 µs  100.0 µs  100.0 µs +0  A.f\/1$/
  end

  test "what it is sorted by is shown at any width, and no line is wider", %{request: request} do
    for by <- [:total, :self, :calls, :p50, :p99, :max], width <- [1, 9, 15, 40, 60, 80, 200] do
      lines = lines(request, width: width, by: by)
      for line <- lines, do: assert(Text.width(line) <= width)
      if width > 20, do: assert(hd(lines) =~ "#{by}*")
    end
  end

  test "functions beyond the most are counted", %{request: request} do
    assert request |> lines(width: 80, most: 2) |> Enum.any?(&(&1 =~ "3 functions more"))
    assert ["no calls among these events", "", _] = lines([], width: 80)
  end

  describe "again and again" do
    @scope __MODULE__.Scope

    setup do
      start_supervised!({ElixirScope.Distributed, name: @scope})
      :ok
    end

    test "it is drawn as often as is asked for" do
      options = [refresh_ms: 1, times: 3, width: 80]
      text = capture_io(fn -> assert View.top([scope: @scope], options) == :ok end)
      assert length(String.split(text, "no calls among these events")) == 4
      refute text =~ "\e["
      on = capture_io(fn -> View.top(%{scope: @scope}, options ++ [color: true]) end)
      assert length(String.split(on, "\e[H\e[2J")) == 4
    end

    test "who interrupts it ends it" do
      test = self()

      {pid, ref} =
        spawn_monitor(fn ->
          Process.group_leader(self(), test)
          View.top([scope: @scope], refresh_ms: 1, width: 80, color: false, ascii: true)
        end)

      for _ <- 1..2 do
        assert_receive {:io_request, ^pid, reply, request}, 5_000
        send(pid, {:io_reply, reply, :ok})
        assert inspect(request) =~ "no calls"
      end

      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^ref, :process, ^pid, :killed}
    end

    test "only filters have a later", %{test: _} do
      assert {:error, %Error{reason: :bad_option} = error} = View.top([], refresh_ms: 1, times: 1)
      assert Exception.message(error) =~ "needs filters"
    end

    test "a wrong filter and a scope that does not run end it" do
      assert {:error, %Error{}} = View.top([limit: -1], refresh_ms: 1)
      assert {:error, %Error{}} = View.top([scope: :no_such_scope], refresh_ms: 1)
    end
  end

  test "wrong options are errors", %{request: request} do
    for wrong <- [
          [by: :own],
          [most: 0],
          [per_node: 1],
          [refresh_ms: 0],
          [window_ms: 0],
          [times: 0]
        ],
        do: assert({:error, %Error{reason: :bad_option}} = View.top(request, wrong))

    assert {:error, %Error{}} = View.top(request, refresh_ms: 1, times: 1)
  end
end
