defmodule ElixirScope.Distributed.ErrorTest do
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Error
  doctest Error

  test "every reason says what to do or what it is about" do
    for {reason, details, text} <- [
          {:not_running, [scope: :shop], "start it with"},
          {:disabled, [], "enabled: false"},
          {:library_not_loaded, [file: "/x/scope_nif", reason: "no such file"],
           "/x/scope_nif.so"},
          {:unknown_node, [node: :a@h], ":a@h"},
          {:no_match, [what: "no module X", suggestions: ["Y", "Z"]], "did you mean Y or Z?"},
          {:no_match, [what: "no module X", suggestions: []], "there is no module X"},
          {:banned, [what: "X", why: "it is busy", instead: "name one"],
           "as it is busy: name one"},
          {:runaway_return, [function: {X, :f, 1}], "X.f/1 calls itself last"},
          {:bad_threshold, [given: 0, most: 60_000], "slower_than(0): milliseconds are wanted"},
          {:needs_only, [option: :calls_per_s],
           "calls_per_s: bounds the calls that `only:` looks at"},
          {:no_calls, [option: :only],
           "only: says which calls are kept, and no function is named"},
          {:too_many_functions, [functions: 9, limit: 8], "at most 8"},
          {:no_state, [module: X, why: "it is no server"], "X shows no state: it is no server"},
          {:bad_filter, [message: "unknown option :kinsd"], "unknown option :kinsd"},
          {:filter_too_large, [field: :pids], "`pids:` names more"},
          {:bad_option, [message: "unknown option :evnts"], "unknown option :evnts"},
          {:nothing_wanted, [], "name functions"},
          {:no_entry, [], "name those with which requests begin"},
          {:system_tracer, [tracer: "#PID<0.1.0>"], "its system tracer is #PID<0.1.0>"},
          {:no_node, [members: [:a@h]], "name some of [:a@h]"},
          {:ended, [id: 7, reason: :events], "trace 7 ended here (:events)"},
          {:number_taken, [id: 7], "begin yours again"},
          {:stopped, [id: 7], "trace 7 was stopped"},
          {:whatever, [], ":whatever"}
        ] do
      error = Error.new(reason, details)
      assert error.reason == reason
      assert Exception.message(error) =~ text
      assert_raise Error, fn -> raise error end
    end
  end
end
