defmodule ElixirScope.Distributed.Case.TransportContract do
  @moduledoc """
  What every `ElixirScope.Distributed.Transport` promises, as tests for each of them:

      defmodule MyApp.TransportTest do
        use ExUnit.Case
        use ElixirScope.Distributed.Case.TransportContract, adapter: MyApp.TransportAdapter
      end

  The adapter implements the callbacks below: how members come about, and how the network between them
  fails; a member is whatever it likes. Deliveries are asked for, not received, so that a member can
  live on another node.
  """

  alias ElixirScope.Distributed.Types

  @typedoc "A member as the adapter sees it."
  @type member :: term

  @doc "Prepares `number` places for members, unconnected; ends with the test."
  @callback places(number :: pos_integer) :: [place :: term]

  @doc "Starts a member of `scope` at a place, ready to be asked for `deliveries/1`."
  @callback start(place :: term, scope :: atom) :: member

  @doc "Ends a member as the loss of its node would."
  @callback stop(member) :: :ok

  @doc "What the member is called."
  @callback node_of(member) :: node

  @doc "Everything delivered to the member so far, in order."
  @callback deliveries(member) :: [ElixirScope.Distributed.Transport.delivery()]

  @doc "`connect/2` of the transport, called beside the member."
  @callback connect(member, node) :: :ok | {:error, atom}

  @doc "`peers/1` of the transport."
  @callback peers(member) :: [node]

  @doc "`send/3` of each message in turn, called beside the member in one go."
  @callback send_all(member, node, [Types.GlobalClockUpdate.t()]) :: [:ok | {:error, atom}]

  @doc "Cuts the network between two places, both ways."
  @callback sever(place :: term, place :: term) :: :ok

  @doc "Makes the network whole again, without connecting anybody."
  @callback mend([place :: term]) :: :ok

  @doc false
  # A numbered message from `node`.
  def message(node, number) do
    %Types.GlobalClockUpdate{source_node: node, kind: :ping, sent_at: {0, number, node}}
  end

  @doc false
  # The numbers of the messages among `deliveries` that came from `node`.
  def numbers(deliveries, node) do
    for {:transport, :message, ^node, %{sent_at: {0, number, _node}}} <- deliveries, do: number
  end

  @doc false
  # The changes of who can be reached among `deliveries`, without reasons.
  def changes(deliveries) do
    for delivery <- deliveries, elem(delivery, 1) in [:up, :down] do
      {elem(delivery, 1), elem(delivery, 2)}
    end
  end

  @doc false
  # Whether every message came between an `:up` of its sender and the next `:down`.
  def within_connections?(deliveries) do
    deliveries
    |> Enum.reduce_while(MapSet.new(), fn
      {:transport, :up, node}, up -> {:cont, MapSet.put(up, node)}
      {:transport, :down, node, _reason}, up -> {:cont, MapSet.delete(up, node)}
      {:transport, :message, node, _}, up -> if node in up, do: {:cont, up}, else: {:halt, false}
    end)
    |> is_struct(MapSet)
  end

  @doc false
  defmacro __using__(adapter: adapter) do
    quote location: :keep do
      import ElixirScope.Distributed.Case, only: [eventually: 1]
      import ElixirScope.Distributed.Case.TransportContract

      @net unquote(adapter)

      describe "the transport's contract:" do
        setup do
          [here, there] = places = @net.places(2)
          {a, b} = {@net.start(here, :contract), @net.start(there, :contract)}
          [places: places, a: a, b: b, to_a: @net.node_of(a), to_b: @net.node_of(b)]
        end

        test "nobody is reached before somebody connects", c do
          assert {@net.peers(c.a), @net.peers(c.b)} == {[], []}
          assert @net.send_all(c.a, c.to_b, [message(c.to_a, 1)]) == [{:error, :unreachable}]
          assert {@net.deliveries(c.a), @net.deliveries(c.b)} == {[], []}
        end

        test "connecting is told to both sides, once", c do
          assert @net.connect(c.a, c.to_b) == :ok
          eventually(fn -> assert changes(@net.deliveries(c.a)) == [up: c.to_b] end)
          eventually(fn -> assert changes(@net.deliveries(c.b)) == [up: c.to_a] end)
          assert {@net.peers(c.a), @net.peers(c.b)} == {[c.to_b], [c.to_a]}

          assert @net.connect(c.a, c.to_b) == :ok
          assert @net.connect(c.b, c.to_a) == :ok
          exchange(c.a, c.b, 1)
          exchange(c.b, c.a, 1)
          assert changes(@net.deliveries(c.a)) == [up: c.to_b]
          assert changes(@net.deliveries(c.b)) == [up: c.to_a]
        end

        test "who is not there cannot be connected", c do
          assert {:error, reason} = @net.connect(c.a, :"nobody@127.0.0.1")
          assert reason in [:unreachable, :not_running]
          assert @net.peers(c.a) == []
          assert @net.deliveries(c.a) == []
        end

        test "messages arrive as they were sent, in order, both ways", c do
          join(c.a, c.b)
          there = send_numbered(c.a, c.b, 1..300)
          back = send_numbered(c.b, c.a, 1..300)
          eventually(fn -> assert numbers(@net.deliveries(c.b), c.to_a) == there end)
          eventually(fn -> assert numbers(@net.deliveries(c.a), c.to_b) == back end)

          sent = message(c.to_a, 1)
          assert {:transport, :message, c.to_a, sent} in @net.deliveries(c.b)
        end

        test "a flood is accepted or refused, never kept waiting, and nothing is made up", c do
          join(c.a, c.b)
          accepted = send_numbered(c.a, c.b, 1..5_000)
          assert accepted != []
          eventually(fn -> assert numbers(@net.deliveries(c.b), c.to_a) == accepted end)
        end

        test "two scopes on the same nodes do not hear each other",
             %{places: [here, there]} = c do
          [other_a, other_b] = [@net.start(here, :other), @net.start(there, :other)]
          join(c.a, c.b)
          join(other_a, other_b)
          exchange(c.a, c.b, 7)
          exchange(other_a, other_b, 8)
          assert numbers(@net.deliveries(c.b), c.to_a) == [7]
          assert numbers(@net.deliveries(other_b), c.to_a) == [8]
        end

        test "a partition is told to both sides, and then nobody is reached", c do
          join(c.a, c.b)
          sever(c)
          assert {@net.peers(c.a), @net.peers(c.b)} == {[], []}
          assert @net.send_all(c.a, c.to_b, [message(c.to_a, 1)]) == [{:error, :unreachable}]
          assert @net.connect(c.a, c.to_b) == {:error, :unreachable}
          assert @net.connect(c.b, c.to_a) == {:error, :unreachable}
        end

        test "after a partition a connection is a new one", c do
          join(c.a, c.b)
          exchange(c.a, c.b, 1)
          sever(c)
          @net.mend(c.places)
          eventually(fn -> assert @net.connect(c.b, c.to_a) == :ok end)
          eventually(fn -> assert List.last(changes(@net.deliveries(c.a))) == {:up, c.to_b} end)
          exchange(c.a, c.b, 2)

          assert numbers(@net.deliveries(c.b), c.to_a) == [1, 2]
          assert changes(@net.deliveries(c.b)) == [up: c.to_a, down: c.to_a, up: c.to_a]
          assert within_connections?(@net.deliveries(c.b))
        end

        test "a member that ends is down for the other, and may come back", c do
          [_here, there] = c.places
          join(c.a, c.b)
          @net.stop(c.b)
          eventually(fn -> assert changes(@net.deliveries(c.a)) == [up: c.to_b, down: c.to_b] end)
          assert @net.peers(c.a) == []

          again = @net.start(there, :contract)
          eventually(fn -> assert @net.connect(c.a, c.to_b) == :ok end)
          eventually(fn -> assert @net.peers(again) == [c.to_a] end)
          exchange(c.a, again, 3)
          assert numbers(@net.deliveries(again), c.to_a) == [3]
        end

        defp join(one, other) do
          :ok = @net.connect(one, @net.node_of(other))
          eventually(fn -> assert @net.node_of(other) in @net.peers(one) end)
          eventually(fn -> assert @net.node_of(one) in @net.peers(other) end)
        end

        defp sever(%{places: [here, there]} = c) do
          @net.sever(here, there)

          for {member, other} <- [{c.a, c.to_b}, {c.b, c.to_a}] do
            eventually(fn -> assert {:down, other} in changes(@net.deliveries(member)) end)
          end
        end

        defp exchange(from, to, number) do
          assert send_numbered(from, to, [number]) == [number]
          sender = @net.node_of(from)
          eventually(fn -> assert number in numbers(@net.deliveries(to), sender) end)
        end

        # The numbers of those that were accepted.
        defp send_numbered(from, to, numbers) do
          messages = Enum.map(numbers, &message(@net.node_of(from), &1))
          answers = @net.send_all(from, @net.node_of(to), messages)
          assert Enum.all?(answers, &(&1 in [:ok, {:error, :busy}]))
          for {number, :ok} <- Enum.zip(numbers, answers), do: number
        end
      end
    end
  end
end
