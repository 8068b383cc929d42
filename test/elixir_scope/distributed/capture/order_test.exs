defmodule ElixirScope.Distributed.Capture.OrderTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Capture.Order
  alias ElixirScope.Distributed.Error

  defp order(written, options), do: Order.new(written, options, {node(), self()})

  defp order!(written, options \\ []) do
    {:ok, order} = order(written, options)
    order
  end

  defp refused(written, options) do
    {:error, %Error{} = error} = order(written, options)
    {error.reason, Exception.message(error)}
  end

  describe "an order" do
    test "has a number below those of sets of traces" do
      numbers = for _ <- 1..100, do: order!(Shop).id
      assert Enum.all?(numbers, &(&1 in 1..32_767))
      assert length(Enum.uniq(numbers)) > 90
    end

    test "takes no number that another has" do
      order = order!(Shop)
      assert Order.number(order, []) == order
      free = Order.number(order, Enum.to_list(1..32_767) -- [7])
      assert free == %{order | id: 7}
    end

    test "says what it is about as it could have been written" do
      order = order!([Shop, {Shop, :sell}, "Shop.sell(1) -> return"])
      assert Order.describe(order) == ["Shop", "Shop.sell", "Shop.sell/1, some calls -> return"]

      assert Order.describe(order!([Shop, "Shop*"], return: true)) == [
               "Shop -> return",
               "Shop* -> return"
             ]

      assert Order.describe(order!([], processes: self(), messages: true)) == []
    end

    test "is for all processes and members, under the budgets of a profile" do
      order = order!(Shop)

      assert Keyword.take(order.options, [:nodes, :processes, :capture, :messages]) |> Enum.sort() ==
               [capture: :arguments, messages: false, nodes: :all, processes: :all]

      assert %{profile: :adhoc, events: 10_000, lease_ms: 10_000} = order.budgets
      assert order.by == {node(), self()}
    end

    test "has any number of its budgets as it was given" do
      numbers = [
        events: 1,
        duration_ms: 2,
        bytes: 3,
        events_per_s: 4,
        calls_per_s: 8,
        cpu_percent: 5,
        lease_ms: 6
      ]

      order = order!(Shop, [profile: :recorder, only: {:slower_than, 9}] ++ numbers)
      for {name, number} <- numbers, do: assert(Map.fetch!(order.budgets, name) == number)
      assert %{profile: :recorder, overwrite: true} = order.budgets
    end

    test "takes what may be said of processes, and of what they do" do
      for processes <- [:all, :new, Shop, self(), {:supervised_by, Shop}, [:new, self()]],
          do: assert(order!(Shop, processes: processes).options[:processes] == processes)

      assert Order.families(order!(Shop)) == []
      assert Order.families(order!(Shop, messages: true)) == [:message]

      assert Order.families(order!(Shop, kinds: [:process, :gc, :in])) == [
               :process,
               :memory,
               :scheduling
             ]

      assert Order.families(order!(Shop, kinds: [:send], messages: true)) == [:message]
    end

    test "of slow calls wants returns, and functions" do
      slow = [only: ElixirScope.Distributed.slower_than(5)]
      assert [%{return: true}] = order!("Shop.sell(1)", slow).patterns
      assert {:no_calls, message} = refused([], slow ++ [processes: self(), messages: true])
      assert message =~ "no function is named"

      for wrong <- [5, :slow, {:slower_than, 0}, {:slower_than, 60_001}, {:slower_than, 1.5}] do
        assert {:bad_option, message} = refused(Shop, only: wrong)

        assert message =~
                 "expected :only to be what ElixirScope.Distributed.slower_than/1 returns"
      end
    end

    test "follows who calls, if more is wanted of them and none are named" do
      assert Order.callers?(order!(Shop, messages: true))
      refute Order.callers?(order!(Shop))
      refute Order.callers?(order!(Shop, messages: true, processes: self()))
    end

    test "is the same on another node: the only process it names by itself is who wants it" do
      options = [return: true, messages: true, kinds: [:process], health: [memory: 1.0e12]]

      order =
        order!(["Shop.sell(%{id: id}) when id > 3 -> return", {:app, :shop}, "Shop.*"], options)

      assert :erlang.binary_to_term(:erlang.term_to_binary(order)) == order
      assert local(Map.from_struct(order)) == [self()]
    end
  end

  # Whatever means something else, or nothing, elsewhere.
  defp local(term) when is_struct(term), do: local(Map.from_struct(term))
  defp local(term) when is_map(term), do: term |> Map.to_list() |> local()
  defp local(term) when is_tuple(term), do: term |> Tuple.to_list() |> local()
  defp local(term) when is_list(term), do: Enum.flat_map(term, &local/1)

  defp local(term),
    do: for(t <- [term], is_pid(t) or is_reference(t) or is_function(t) or is_port(t), do: t)

  describe "what is refused" do
    for {name, options, text} <- [
          {"an option that there is not", [evnts: 3],
           "unknown option :evnts, did you mean :events?"},
          {"no options", :events, "expected a keyword list"},
          {"events", [events: 0], "expected :events to be a positive integer or nil, got: 0"},
          {"return", [return: :yes], "expected :return to be a boolean"},
          {"processes", [processes: "shop"], "expected :processes to be a pid, a name"},
          {"no processes", [processes: []], "expected :processes to be a pid, a name"},
          {"messages", [messages: 1], "expected :messages to be a boolean"},
          {"kinds", [kinds: [:cals]], "expected :kinds to be a list, each one of"},
          {"capture", [capture: :all],
           "expected :capture to be one of :calls, :arguments, :full"},
          {"nodes", [nodes: :a], "expected :nodes to be one of :all or a list, each an atom"},
          {"scope", [scope: "x"], "expected :scope to be an atom"},
          {"profile", [profile: :fast], "expected :profile to be one of :adhoc"},
          {"duration", [duration_ms: 1.5], "expected :duration_ms to be a positive integer"},
          {"bytes", [bytes: -1], "expected :bytes to be a positive integer"},
          {"rate", [events_per_s: 0], "expected :events_per_s to be a positive integer"},
          {"cpu", [cpu_percent: 0], "expected :cpu_percent to be a positive integer"},
          {"lease", [lease_ms: nil], "expected :lease_ms to be a positive integer"},
          {"health", [health: [heat: 1]], "expected :health to be a keyword list of :run_queue"}
        ] do
      test "of options: #{name}" do
        assert {:bad_option, message} = refused(Shop, unquote(options))
        assert message =~ unquote(text)
      end
    end

    test "of patterns is said as the grammar says it" do
      assert {:bad_pattern, "nil: expected a module, function or text"} = refused(nil, [])
      assert {:bad_pattern, message} = refused("MyApp.", [])
      assert message == ~s("MyApp.", column 7: this ends too early)
    end

    test "is everything of every process" do
      for options <- [[], [messages: true], [kinds: [:gc]], [processes: [self(), :all]]] do
        assert {:too_wide, message} = refused([], options)
        assert message =~ "`processes:`"
      end
    end

    test "is nothing of some processes" do
      assert {:nothing_wanted, message} = refused([], processes: self())
      assert message =~ "`messages: true`"
      assert {:bad_option, _} = refused([], processes: :new, kinds: [:call])
    end

    test "is the memory of functions that are not named" do
      assert {:no_functions, message} = refused([], processes: self(), memory: true, kinds: [:gc])
      assert message =~ "name some"
    end

    test "is what a profile does not take" do
      assert {:not_in_profile, _} = refused(Shop, profile: :production, capture: :full)
    end
  end
end
