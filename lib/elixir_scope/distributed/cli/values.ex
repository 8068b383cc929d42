defmodule ElixirScope.Distributed.CLI.Values do
  @moduledoc false
  # What was written on a command line as what the library takes, on the node that is asked: names are
  # those that this node knows, or one of a few new ones (`Atoms`), and times that count from now are
  # worked out by its clock.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.CLI.{Atoms, Failure, Literal, When}
  alias ElixirScope.Distributed.Error

  @same [limit: :limit, contains: :contains, timeout: :timeout_ms] ++
          [kind: :kinds, order: :order, require: :require]
  @many [module: :modules, pid: :pids, nodes: :nodes]
  @one [correlation: :correlation_id, mfa: :mfa, from: :from, to: :to]

  @doc "The filters of a question, of what is given of them."
  @spec filters(map) :: keyword
  def filters(options) do
    given = for {key, name} <- @same, Map.has_key?(options, key), do: {name, options[key]}

    many =
      for {key, name} <- @many, texts = options[key], do: {name, Enum.map(texts, &one(key, &1))}

    one = for {key, name} <- @one, text = options[key], do: {name, one(key, text)}
    given ++ many ++ one
  end

  @doc "One value of an option."
  @spec one(atom, String.t()) :: term
  def one(:module, text), do: module(text)
  def one(:mfa, text), do: mfa(text)
  def one(:pid, text), do: pid(text)
  def one(:correlation, text), do: Literal.read(text) |> Failure.ok!()
  def one(:nodes, text), do: Atoms.make!(text)
  def one(time, text) when time in [:from, :to], do: text |> When.time(now()) |> Failure.ok!()

  @doc "A module, as `inspect/1` writes it; of Erlang with or without the colon."
  @spec module(String.t()) :: module
  def module(":" <> name), do: Atoms.make!(name)

  def module(<<first, _::binary>> = text) when first in ?a..?z, do: Atoms.make!(text)
  def module(text), do: Atoms.make!("Elixir." <> String.trim_leading(text, "Elixir."))

  defp mfa(text) do
    Atoms.afford!(text)

    case Pattern.parse(text) do
      {:ok, [%{module: module, function: function, arity: arity, head: :_, return: false}]}
      when is_atom(module) ->
        {module, function, arity}

      {:error, %Error{details: %{expected: expected}}} ->
        fail("--mfa: #{inspect(text)}: #{expected}")

      _some_calls ->
        fail("--mfa: expected Module.function/arity, got: #{inspect(text)}")
    end
  end

  @doc "A name that this node knows, such as that of a process."
  @spec name(String.t()) :: atom
  def name(text) do
    Atoms.existing("Elixir." <> text) || Atoms.existing(String.trim_leading(text, ":")) ||
      fail("nothing here is called #{text}")
  end

  @doc "A process, by its pid as it is printed, or by its name."
  @spec pid(String.t()) :: pid
  def pid(text) do
    case Regex.run(~r/\A(?:#PID)?<(?:([^<>]+)\.)?(\d+)\.(\d+)\.?(\d*)>\z/, text) do
      nil -> text |> name() |> named(text)
      [_all, node, id, serial, ""] -> far(node, "<0.#{id}.#{serial}>", text)
      [_all, _none, _at, _id, _serial] -> near(String.trim_leading(text, "#PID"), text)
    end
  end

  defp named(name, text),
    do: Process.whereis(name) || fail("no process here is called #{text}")

  defp near(digits, text) do
    digits |> to_charlist() |> :erlang.list_to_pid()
  rescue
    ArgumentError -> fail("#{text} is no process that this node knows")
  end

  # `<0.1.2>`, or with the number that this node has for another one: its own way of writing.
  defp far(number_or_node, digits, text) do
    case Integer.parse(number_or_node) do
      {_number, ""} -> near(String.trim_leading(text, "#PID"), text)
      _name -> of(Atoms.existing(number_or_node), digits, text)
    end
  end

  defp of(node, digits, text) when node == node(), do: near(digits, text)

  defp of(node, digits, text) do
    if node in Node.list(),
      do: :erpc.call(node, :erlang, :list_to_pid, [to_charlist(digits)], 5_000),
      else: fail("#{text}: its node is not connected")
  rescue
    ErlangError -> fail("#{text}: its node does not answer")
  end

  @doc "This node's wall clock, in nanoseconds since 1970."
  @spec now() :: integer
  def now, do: System.os_time(:nanosecond)

  defp fail(message), do: raise(Failure.new(:failed, message))
end
