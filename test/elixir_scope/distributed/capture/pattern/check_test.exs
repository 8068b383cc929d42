defmodule ElixirScope.Distributed.Capture.Pattern.CheckTest do
  # That everything our grammar makes passes is in pattern_test.exs, beside the grammar.
  use ExUnit.Case, async: true

  import ElixirScope.Distributed.Case.Gen
  import ElixirScope.Distributed.Hostile, only: [mutated: 1]

  alias ElixirScope.Distributed.Capture.{Pattern, Pattern.Check}
  alias ElixirScope.Distributed.Operations.Shape

  @texts [
    "M.f(%{id: id}, [x | _], x) when id > 3 or is_nil(x) -> return",
    "M.f({a, [b, 1.5], \"c\", :d}) when a in [1, :two, {b, 3}] and not is_map_key(b, :e)",
    "M.f(x) when elem(x, 0) == self() and map_size(x) + 1 > abs(length(x))",
    "M.f(%URI{port: port}) when is_struct(port, URI)"
  ]

  defp parse(text), do: text |> Pattern.parse() |> elem(1) |> hd()

  @wrong [
    head: [{:message, {:caller}}, :"$3"],
    head: :"$_",
    head: [:"$$"],
    head: [:"$33"],
    guards: [{:message, true}],
    guards: [{:set_seq_token, :label, 1}],
    guards: [{:trace, [], [:procs]}],
    guards: [{:process_dump}],
    guards: [{:enable_trace, :all}],
    guards: [{:silent, true}],
    guards: [{:"=:=", :"$9", 1}],
    guards: [:"$_"],
    guards: [{:>, 1}],
    guards: [{:>, 1, 2, 3}],
    guards: {:>, 1, 2},
    guards: [true | true],
    module: nil,
    module: {:glob, <<255>>},
    module: {:glob, String.duplicate("a", 256)},
    module: {:apply, Kernel},
    function: "f",
    arity: 256,
    return: 1
  ]

  for {{field, value}, n} <- Enum.with_index(@wrong) do
    test "#{n}: no #{field} is #{inspect(value, printable_limit: 20)}" do
      refute Check.pattern?(
               Map.put(parse(hd(@texts)), unquote(field), unquote(Macro.escape(value)))
             )
    end
  end

  test "whatever passes is a match specification that the VM takes" do
    patterns = Enum.map(@texts, &constant(parse(&1)))

    property(bind(one_of(patterns), &mutated/1), [runs: 2_000], fn pattern ->
      if Shape.small?(pattern, {2_000, 10_000}, :any) and Check.pattern?(pattern) do
        {head, guards} = Pattern.match_head(pattern)
        arguments = List.duplicate(1, if(is_list(head), do: length(head), else: 0))
        assert {:ok, _, _, _} = :erlang.match_spec_test(arguments, [{head, guards, []}], :trace)
      end
    end)
  end
end
