defmodule ElixirScope.Distributed.Capture.RecorderCallsTest do
  # What instrumented code and samplers say, as it arrives.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed, as: Scope
  alias ElixirScope.Distributed.Capture.Recorder
  alias ElixirScope.Distributed.Opaque

  @hidden %Opaque{type: :redacted}

  defp seen do
    {:ok, events} = Scope.events(pids: [self()])
    for event <- events, do: {event.kind, event.subject, event.data}
  end

  test "a call with and without arguments, and what it returned" do
    Recorder.call(Shop, :buy, [1, %{of: "tea"}])
    Recorder.return(Shop, :buy, 2, {:ok, 3})
    Recorder.call(Shop, :buy, 2)
    Recorder.call(Shop, :list, [])

    assert seen() == [
             {:call, {Shop, :buy, 2}, [1, %{of: "tea"}]},
             {:return, {Shop, :buy, 2}, {:ok, 3}},
             {:call, {Shop, :buy, 2}, nil},
             {:call, {Shop, :list, 0}, []}
           ]
  end

  test "an exception with the top of its stack, where arguments become their number" do
    stack = [
      {Shop, :buy, ["canary", 2], [file: ~c"shop.ex", line: 7]},
      {Shop, :run, 1, []},
      {:gen, :do, 4, [line: 3, file: ~c"gen.erl"]},
      {A, :b, 0, [line: 4]},
      {C, :d, 0, [line: 5]}
    ]

    Recorder.exception(Shop, :buy, 2, :error, %RuntimeError{message: "no"}, stack)
    Recorder.exception(Shop, :buy, 2, :throw, :ball, [])
    Recorder.exception(Shop, :buy, 2, :exit, {:shutdown, 1}, [{fn -> 1 end, []}, :odd | :worse])

    assert [
             {:exception, {Shop, :buy, 2}, {:error, %RuntimeError{message: "no"}, frames}},
             {:exception, {Shop, :buy, 2}, {:throw, :ball, []}},
             {:exception, {Shop, :buy, 2}, {:exit, {:shutdown, 1}, _odd}}
           ] = seen()

    assert [{Shop, :buy, 2, 7}, {Shop, :run, 1, 0}, {:gen, :do, 4, 3}, {A, :b, 0, 4} | _more] =
             frames
  end

  test "what is no function is no event, and what is large is cut" do
    for wrong <- [1, "a", nil, []] do
      assert :ok = Recorder.call(wrong, 1, wrong)
      assert :ok = Recorder.exception(A, :b, wrong, wrong, wrong, wrong)
    end

    Recorder.call(A, :large, [Enum.to_list(1..10_000_000), :binary.copy("x", 50_000_000)])
    Recorder.return(A, :improper, 0, [1 | 2])
    Recorder.exception(A, :large, 0, :error, :binary.copy("x", 50_000_000), [{A, :b, 1, []}])
    {:ok, events} = Scope.events(pids: [self()])
    assert [%{meta: %{truncated?: true}}, improper, exception] = Enum.take(events, -3)
    assert improper.data == [1 | 2]
    assert {:error, %Opaque{type: :binary, size: 50_000_000}, [{A, :b, 1, 0}]} = exception.data
  end

  # What has harmed a VM, or taken long, when it was looked at in another way.
  @tag :tmp_dir
  test "terms that are hard to look at go through every path", %{tmp_dir: folder} do
    <<_::1, unaligned::binary>> = <<0::1, 0::size(100_000_000)-unit(8)>>

    hard = [
      unaligned,
      <<1::3>>,
      2 ** 100,
      fn -> 1 end,
      make_ref(),
      [1 | 2] | native_record(folder)
    ]

    for term <- hard, shown <- [term, [term], %{deep: {term}}] do
      assert :ok = Recorder.call(A, :b, [shown])
      assert :ok = Recorder.return(A, :b, 1, shown)
      assert :ok = Recorder.exception(A, :b, 1, :error, shown, [{A, :b, 1, []}])
      assert :ok = Recorder.vitals(nil, shown)
      assert :ok = Recorder.call(A, shown, shown)
    end

    {:ok, events} = Scope.events(pids: [self()])
    assert Enum.count(events, &(&1.kind == :exception)) == 3 * length(hard)
    assert [%{data: [%Opaque{type: :binary, size: 100_000_000}]} | _] = events
  end

  # They came with OTP 29.
  defp native_record(folder) do
    file = Path.join(folder, "points.erl")
    File.write!(file, "-module(points). -export([new/0]). -record #pt{x = 1}. new() -> #pt{}.")

    if System.otp_release() >= "29" do
      {:ok, module, binary} = :compile.file(to_charlist(file), [:binary])
      {:module, ^module} = :code.load_binary(module, ~c"points", binary)
      [apply(module, :new, [])]
    else
      []
    end
  end

  test "secrets: by key, by module, by function of any or one arity" do
    rules = [modules: [Vault], functions: [{Users, :login}, {Users, :reset, 2}]]
    [node] = start_nodes(1, config: [elixir_scope_distributed: [redact: rules]])

    on(node, fn ->
      Recorder.call(Shop, :buy, [%{password: "canary"}, [token: "canary"]])
      Recorder.call(Vault, :open, ["canary"])
      Recorder.return(Vault, :open, 1, "canary")
      Recorder.exception(Vault, :open, 1, :error, "canary", [{Vault, :open, ["canary"], []}])
      Recorder.call(Users, :login, ["canary", 1])
      Recorder.call(Users, :login, ["canary"])
      Recorder.call(Users, :reset, ["canary", 2])
      Recorder.call(Users, :reset, ["shown"])
      Recorder.call(Vault, :open, 1)
      {:ok, events} = Scope.events()
      refute inspect(events, limit: :infinity) =~ "canary"

      assert [
               [%{password: @hidden}, [token: @hidden]],
               @hidden,
               @hidden,
               {:error, @hidden, [{Vault, :open, 1, 0}]},
               @hidden,
               @hidden,
               @hidden,
               ["shown"],
               nil
             ] = Enum.map(events, & &1.data)
    end)
  end

  test "vitals belong to the process that was sampled" do
    other = spawn(fn -> :ok end)
    Recorder.vitals(other, %{reductions: 7})
    Recorder.vitals(nil, %{run_queue: 0})
    {:ok, events} = Scope.events(kinds: [:vitals])

    assert [%{pid: ^other, data: %{reductions: 7}}, %{pid: nil, data: %{run_queue: 0}}] =
             Enum.take(events, -2)
  end
end
