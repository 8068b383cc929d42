Code.require_file("../../../shared/past.exs", __DIR__)

defmodule ElixirScope.Distributed.View.StatesTest do
  use ExUnit.Case

  import ExUnit.CaptureIO
  import ElixirScope.Distributed.PastTraced

  alias ElixirScope.Distributed.{Error, Event, View}
  alias ElixirScope.Distributed.TimeTravel.{History, Past}
  alias ElixirScope.Distributed.View.{States, Text}
  alias ScopePast.Server

  defp pid, do: :erlang.list_to_pid(~c"<0.240.0>")
  defp from, do: :erlang.list_to_pid(~c"<0.301.0>")
  @looks [width: 80, color: false, ascii: false]

  defp event(seq, kind, subject, data, meta \\ %{}) do
    at = {0, 1_000_000_000 + seq * 1_250_000, :web@h}

    %Event{
      id: {{:web@h, 17}, seq},
      at: at,
      node: :web@h,
      pid: pid(),
      kind: kind,
      subject: subject,
      data: data,
      meta: meta
    }
  end

  defp past(events, about \\ %{}) do
    known = %{
      events: length(events),
      nodes: [:web@h],
      missing: %{},
      dropped: 0,
      expired: 0,
      more?: false
    }

    %Past{
      pid: pid(),
      turns: History.turns(events),
      events: events,
      about: Map.merge(known, about)
    }
  end

  defp server do
    before = %{items: [], total: 0}
    added = %{items: [:apple], total: 12}

    [
      event(1, :call, {Cart, :init, 1}, [:none]),
      event(2, :state, {Cart, :init, 1}, before),
      event(3, :receive, from(), {:"$gen_call", {from(), :tag}, {:add, :apple}}),
      event(4, :call, {Cart, :handle_call, 3}, [{:add, :apple}, {from(), :tag}, before]),
      event(5, :state, {Cart, :handle_call, 3}, added),
      event(6, :call, {Cart, :handle_info, 2}, [:tick, added]),
      event(7, :state, {Cart, :handle_info, 2}, added),
      event(8, :call, {Cart, :handle_cast, 2}, [:clear, %{added | total: 99}]),
      event(9, :state, {Cart, :handle_cast, 2}, %{items: "日本語"}, %{truncated?: true})
    ]
  end

  defp text(past, options \\ []),
    do: past |> States.render(Keyword.merge(@looks, options)) |> Enum.join("\n")

  test "a turn has a line, and what it changed one each" do
    assert text(past(server(), %{missing: %{gone@h: :distributed_timeout}, dropped: 3})) == """
           +0.000 ms  web@h#2  init :none
                      = %{items: [], total: 0}
           +3.750 ms  web@h#5  call {:add, :apple} from #PID<0.301.0>
                      ~ [:items] [] → [:apple]
                      ~ [:total] 0 → 12
           +6.250 ms  web@h#7  info :tick
           +8.750 ms  web@h#9  cast :clear  (cut)
                      ?~ [:total] 12 → 99
                      ~ [:items] [:apple] → "日本語"
                      - [:total] 99
           4 states of #PID<0.240.0> on web@h, 3 dropped, gone@h missing (timeout)\
           """
  end

  test "of a path" do
    assert text(past(server()), path: [:total]) =~
             "+3.750 ms  web@h#5  call {:add, :apple} from #PID<0.301.0>\n           ~ [:total] 0 → 12\n"

    assert text(past(server()), path: [:total]) =~ "~ 99 → nothing there"
  end

  test "no line is longer than the width, in whatever it counts" do
    for width <- [1, 20, 60, 80, 200], ascii <- [false, true] do
      lines =
        past(server())
        |> States.render(width: width, ascii: ascii, color: false)
        |> Enum.to_list()

      for line <- lines, do: assert(Text.width(line) <= width)

      if ascii,
        do: assert(Enum.all?(lines, &(&1 == for(<<c <- &1>>, c < 128, into: "", do: <<c>>))))
    end
  end

  test "lines are made as they are taken" do
    turns = Stream.cycle(History.turns(server())) |> Enum.take(50_000)
    lines = States.render(%{past(server()) | turns: turns}, @looks)
    assert [_first, _second] = Enum.take(lines, 2)
  end

  test "a colour for each node, and nothing at all" do
    assert text(past(server()), color: true) =~ "\e[36m"
    assert text(past([])) == "0 states of #PID<0.240.0>, 0 dropped, none missing"
  end

  test "what of a message is not sure is said" do
    events = [
      event(1, :receive, from(), :one),
      event(2, :receive, from(), :two),
      event(3, :state, {Cart, :handle_info, 2}, 1),
      event(4, :receive, from(), {:"$gen_cast", :three}),
      event(5, :state, {Cart, :handle_cast, 2}, 2)
    ]

    assert text(past(events)) =~ "Cart.handle_info/2, of several messages"
    assert text(past(events)) =~ "probably cast :three from #PID<0.301.0>"
  end

  test "many changes of one turn are cut" do
    {old, new} = {Map.new(1..30, &{&1, 0}), Map.new(1..30, &{&1, 1})}

    events = [
      event(1, :state, {Cart, :handle_cast, 2}, old),
      event(2, :state, {Cart, :handle_cast, 2}, new)
    ]

    assert text(past(events)) =~ "… and more"
    assert length(String.split(text(past(events)), "\n")) == 2 + 1 + 20 + 1 + 1
  end

  test "of a real server; wrong input is an error" do
    scope = scope!()
    trace!(scope, Server)
    {:ok, pid} = GenServer.start_link(Server, 1)
    GenServer.call(pid, {:add, 3})

    printed = capture_io(fn -> assert :ok = View.states(pid, [scope: scope] ++ @looks) end)
    assert printed =~ "call {:add, 3}"
    assert printed =~ "+ [:items, 0] 3"
    assert printed =~ "3 states of #{inspect(pid)} on nonode@nohost, 0 dropped, none missing"

    for {pid, options} <- [
          {:x, []},
          {pid, width: 0},
          {pid, widht: 1},
          {pid, path: :a},
          {pid, scope: :no_such_scope}
        ],
        do: assert({:error, %Error{}} = View.states(pid, options))

    assert {:error, %Error{}} = States.render(past([]), width: -1)
  end
end
