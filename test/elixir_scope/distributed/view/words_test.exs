defmodule ElixirScope.Distributed.View.WordsTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Event, Opaque}
  alias ElixirScope.Distributed.View.Words

  defp what(fields), do: Words.what(struct!(%Event{node: node(), pid: self()}, fields))
  defp data(fields), do: Words.data(struct!(%Event{kind: :mark}, fields), 80)

  test "what happened" do
    other = :c.pid(0, 7, 0)

    for {fields, words} <- [
          {[kind: :mark, subject: :checkout], "checkout"},
          {[kind: :mark, subject: MyApp.Done], "MyApp.Done"},
          {[kind: :call, subject: {Enum, :map, 2}], "call Enum.map/2"},
          {[kind: :exception, subject: {Enum, :map, 2}], "exception Enum.map/2"},
          {[kind: :send, subject: other], "send to <0.7.0>"},
          {[kind: :send, subject: MyApp.Log], "send to MyApp.Log"},
          {[kind: :send, subject: {MyApp.Log, :b@h}], "send to MyApp.Log on b@h"},
          {[kind: :send, subject: make_ref()], "send to an alias"},
          {[kind: :send, subject: other, pid: nil, node: :b@h], "send to #{node()} <0.7.0>"},
          {[kind: :receive, subject: nil], "receive"},
          {[kind: :spawn, subject: other], "spawn <0.7.0>"},
          {[kind: :exit, subject: nil], "exit"},
          {[kind: :register, subject: MyApp.Log], "register MyApp.Log"},
          {[kind: :gap, data: 1], "gap: 1 event lost, a ring was full"},
          {[kind: :gap, data: %{thinned: 3, refused: 2, of: %{trace: 4}}],
           "gap: 3 events left out by thinning, 2 events over a budget of trace 4"},
          {[kind: :gap, data: %{expired: 3}], "gap: 3 events expired"},
          {[kind: :gap, data: %{missing: {:distributed_exit, :busy}}],
           "gap: does not answer (busy)"},
          {[kind: :gap, data: %{dropped: 3}], "gap: 3 events lost on the way"},
          {[kind: :gap, data: %{restarted: 1}], "gap: the node began anew"},
          {[kind: :gap, data: :strange], "gap: :strange"}
        ],
        do: assert(what(fields) == words)
  end

  test "messages of OTP as people think of them" do
    ref = make_ref()

    for {message, words} <- [
          {{:"$gen_call", {self(), ref}, {:take, 3}}, "call {:take, 3}"},
          {{:"$gen_call", {self(), [:alias | ref]}, :x}, "call :x"},
          {{:"$gen_cast", :x}, "cast :x"},
          {{ref, {:ok, 3}}, "reply {:ok, 3}"},
          {{[:alias | ref], :ok}, "reply :ok"},
          {{:DOWN, ref, :process, :a, :noproc}, "DOWN :a :noproc"},
          {{:"$gen_call", :malformed}, "{:\"$gen_call\", :malformed}"},
          {{1, 2}, "{1, 2}"}
        ] do
      assert data(kind: :receive, data: message) == words
      assert data(kind: :send, data: message) == words
    end

    assert data(kind: :mark, data: {ref, 1}) == inspect({ref, 1})
  end

  test "data is on one line, bounded, and says where it was cut before" do
    assert data(data: nil) == ""
    assert data(data: [7, 8, 9]) == "[7, 8, 9]"
    assert data(data: 3, meta: %{truncated?: true}) == "3 …"
    assert byte_size(data(data: Enum.to_list(1..100_000))) < 1_000
    assert byte_size(data(data: String.duplicate("x", 100_000))) < 1_000
    refute data(data: Enum.map(1..100, &String.duplicate("#{&1}", 50))) =~ "\n"
    assert data(data: %Opaque{type: :fun}) =~ "Opaque"
  end

  test "what claims to be a struct and is none does no harm" do
    for module <- [Range, MapSet, Date, DateTime, Regex, Version, URI, :no_such_module, Enum, 7] do
      assert is_binary(data(data: %{__struct__: module, first: "x", calendar: :erlang}))
    end
  end

  test "stretches of time" do
    for {ns, words} <- [
          {0, "0 ns"},
          {1_300, "1.3 µs"},
          {1_300_000, "1.3 ms"},
          {2_000_000_000, "2.0 s"}
        ],
        do: assert(Words.duration(ns) == words)

    assert Words.ms(-1_500) == "-0.002 ms" or Words.ms(-1_500) == "-0.001 ms"
  end
end
