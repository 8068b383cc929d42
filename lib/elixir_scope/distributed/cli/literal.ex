defmodule ElixirScope.Distributed.CLI.Literal do
  @moduledoc false
  # A term as it is written on a command line, without an evaluation and without a new atom: what
  # looks like an Elixir literal is one, anything else is text.

  alias ElixirScope.Distributed.CLI.{Failure, Values}

  @pid ~r/#PID<[^<>]+>/

  @doc """
  The term.

      iex> alias ElixirScope.Distributed.CLI.Literal
      iex> Literal.read("r-17")
      {:ok, "r-17"}
      iex> Literal.read("17")
      {:ok, 17}
      iex> Literal.read(~S({:order, "17"}))
      {:ok, {:order, "17"}}
  """
  @spec read(String.t()) :: {:ok, term} | {:error, Failure.t()}
  def read(text) do
    if text =~ ~r/\A(-?\d+\z|[:{\["%])/, do: literal(text), else: {:ok, text}
  end

  defp literal(text) do
    # Pids are printed as no literal is; they come back at the end.
    quotable = Regex.replace(@pid, text, &inspect/1)

    case Code.string_to_quoted(quotable, existing_atoms_only: true, emit_warnings: false) do
      {:ok, quoted} -> {:ok, term(quoted)}
      {:error, _where} -> wrong(text)
    end
  catch
    :no_literal -> wrong(text)
  end

  defp term("#PID<" <> _ = pid), do: Values.pid(pid)
  defp term(plain) when is_number(plain) or is_atom(plain) or is_binary(plain), do: plain
  defp term({:-, _meta, [number]}) when is_number(number), do: -number
  defp term({:{}, _meta, items}), do: items |> Enum.map(&term/1) |> List.to_tuple()
  defp term({one, other}), do: {term(one), term(other)}
  defp term({:%{}, _meta, pairs}), do: Map.new(pairs, &term/1)
  defp term({:__aliases__, _meta, parts}), do: Module.safe_concat(parts)
  defp term(list) when is_list(list), do: Enum.map(list, &term/1)
  defp term(_other), do: throw(:no_literal)

  defp wrong(text) do
    message = "#{inspect(text)} is no term that this node knows; in quotes it is text"
    {:error, Failure.new(:failed, message)}
  end
end
