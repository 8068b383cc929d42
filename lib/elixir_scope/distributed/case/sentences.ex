defmodule ElixirScope.Distributed.Case.Sentences do
  @moduledoc """
  Assertions about what happened on the nodes of a test, and in which order. They read what
  `capture:` of `ElixirScope.Distributed.Case` has recorded, and come with it.

      order = assert_called MyApp.Orders.place(%{id: 7}), on: web
      paid = assert_sent {:paid, 7}, from: payment, to: orders
      assert_before order, paid

  A sentence that finds its event returns it, so that others can be about it. Calls and messages are
  patterns, with pins and guards as in `assert_receive/2`; what was captured is matched, which a budget
  may have cut (`capture: {patterns, capture: :full}` cuts little). One that does not hold raises
  `ExUnit.AssertionError`, and what led to it is printed.

  Options: `within:` - how long it may take until it happens (1,000 ms; of `refute_…`, how long it must
  not happen: 0).
  """

  alias ElixirScope.Distributed.Case.Sentence

  @compile {:no_warn_undefined, ExUnit.Assertions}

  @doc """
  A function was called: `Module.function(pattern, …)`, perhaps with a guard, or `Module.function/2`
  with any arguments. `on:` is the node, or nodes, where it was.

      assert_called MyApp.Orders.place(%{id: id}) when id > 3, within: 5_000
      assert_called MyApp.Orders.place/1, on: web
  """
  defmacro assert_called(call, options \\ []),
    do:
      quote(
        do:
          ElixirScope.Distributed.Case.Sentence.found!(
            unquote(Sentence.call(call)),
            unquote(options)
          )
      )

  @doc """
  A function was not called: see `assert_called/2`.

      refute_called MyApp.Payment.refund/1
  """
  defmacro refute_called(call, options \\ []),
    do:
      quote(
        do:
          ElixirScope.Distributed.Case.Sentence.not_found!(
            unquote(Sentence.call(call)),
            unquote(options)
          )
      )

  @doc """
  A message was sent. `from:` and `to:` are nodes. What a `GenServer` is called or cast with
  counts as the message itself.

      assert_sent {:paid, ^id}, from: payment, to: orders
  """
  defmacro assert_sent(message, options \\ []),
    do:
      quote(
        do:
          ElixirScope.Distributed.Case.Sentence.found!(
            unquote(Sentence.message(message)),
            unquote(options)
          )
      )

  @doc """
  A message was not sent: see `assert_sent/2`.

      refute_sent {:refund, _id}
  """
  defmacro refute_sent(message, options \\ []),
    do:
      quote(
        do:
          ElixirScope.Distributed.Case.Sentence.not_found!(
            unquote(Sentence.message(message)),
            unquote(options)
          )
      )

  @doc """
  The first event can have influenced the second: by what its process did next, by messages, by what
  it spawned. That it was merely earlier is not enough.

      assert_before order, paid
  """
  defmacro assert_before(first, second),
    do: quote(do: ElixirScope.Distributed.Case.Sentence.before!(unquote(first), unquote(second)))

  @doc """
  One of the two events can have influenced the other, so that they cannot happen in another order: what
  a race is not.

      refute_concurrent reserved, cancelled
  """
  defmacro refute_concurrent(one, other),
    do: quote(do: ElixirScope.Distributed.Case.Sentence.ordered!(unquote(one), unquote(other)))

  @doc """
  An expression becomes true, as `assert` sees it; its last failure is raised after `within:` (5,000 ms).

      assert_eventually on(orders, MyApp, :order, [1]) == :paid
      assert_eventually %{paid: true} = on(orders, MyApp, :order, [1]), within: 10_000
  """
  defmacro assert_eventually(expression, options \\ []) do
    quote do
      ElixirScope.Distributed.Case.eventually(
        fn -> ExUnit.Assertions.assert(unquote(expression)) end,
        unquote(options)
      )
    end
  end
end
