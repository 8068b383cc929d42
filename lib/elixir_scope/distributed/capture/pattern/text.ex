defmodule ElixirScope.Distributed.Capture.Pattern.Text do
  @moduledoc false
  # Text to a pattern. Elixir's own parser reads it; nothing is ever evaluated. Every
  # error says in which column.

  alias ElixirScope.Distributed.Capture.Pattern
  alias ElixirScope.Distributed.Capture.Pattern.Match
  alias ElixirScope.Distributed.Error

  # An arrow stands only in parentheses; they move everything by this many columns.
  @open "("
  @moved String.length(@open)

  # How what is no atom here stands in what the parser has read.
  @part :"part of a name"
  @unknown {:error, "unsafe atom does not exist"}
  @existing [static_atoms_encoder: &__MODULE__.known/2]

  @doc "The pattern, as a list of one, or what is wrong and where."
  @spec parse(String.t(), keyword) :: {:ok, [Pattern.t()]} | {:error, Error.t()}
  def parse(text, options) do
    {:ok, [text |> quoted(options) |> pattern()]}
  catch
    {:bad, meta, expected} -> bad(text, meta, expected)
  end

  defp quoted(text, options) do
    # Charlists and the like are the author's business (1.16 and later).
    existing? = options[:atoms] == :existing
    options = [columns: true, emit_warnings: false] ++ if(existing?, do: @existing, else: [])

    if String.trim(text) == "", do: wrong([], "the name of a module")
    if text =~ ~r/->\s*\z/, do: wrong([column: :end], "`return` behind the arrow")

    case Code.string_to_quoted(@open <> text <> "\n)", options) do
      {:ok, quoted} -> if existing?, do: Macro.prewalk(quoted, &existing/1), else: quoted
      {:error, {meta, message, token}} -> wrong(place(meta, message), reason(message, token))
    end
  end

  @doc false
  # The parts of a module's name need be no names by themselves: `Till` is none of those that know
  # `Till.Front`. So they stay text until the whole is there.
  def known(text, _meta) do
    {:ok, String.to_existing_atom(text)}
  rescue
    ArgumentError -> if(text =~ ~r/\A\p{Lu}/u, do: {:ok, {@part, text}}, else: @unknown)
  end

  defp existing({:__aliases__, meta, parts}) do
    if Enum.all?(parts, &is_atom/1),
      do: {:__aliases__, meta, parts},
      else: parts |> Enum.map_join(".", &part/1) |> whole(meta)
  end

  defp existing({@part, text}), do: unknown([], text)
  defp existing(other), do: other

  defp part({@part, text}), do: text
  defp part(atom) when is_atom(atom), do: Atom.to_string(atom)
  defp part({_name, meta, _arguments}), do: wrong(meta, "the name of a module")

  defp whole(name, meta) do
    {:__aliases__, meta, [String.to_existing_atom("Elixir." <> name)]}
  rescue
    ArgumentError -> unknown(meta, name)
  end

  defp unknown(meta, name), do: wrong(meta, reason(elem(@unknown, 1) <> ": ", name))

  # The parser names the bracket that is not closed; what is missing is missing at the end.
  defp place(meta, message) do
    if meta[:line] > 1 or unclosed?(message), do: [column: :end], else: meta
  end

  defp reason(message, token) do
    cond do
      unclosed?(message) or {message, token} == {"syntax error before: ", "')'"} ->
        "this ends too early"

      token == ")" ->
        "no more `)` than there are `(`"

      is_tuple(message) ->
        message |> Tuple.to_list() |> Enum.join(token)

      true ->
        String.trim("#{message}#{token}")
    end
  end

  defp unclosed?(message), do: is_binary(message) and message =~ "missing terminator"

  defp bad(text, meta, expected) do
    details = [
      pattern: text,
      column: column(meta[:column], String.length(text)),
      expected: expected
    ]

    {:error, Error.new(:bad_pattern, details)}
  end

  defp column(nil, _length), do: 1
  defp column(:end, length), do: length + 1
  defp column(column, length), do: (column - @moved) |> max(1) |> min(length + 1)

  defp pattern([{:->, _meta, [[call], action]}]), do: %{guarded(call) | return: returns(action)}
  defp pattern({:__block__, meta, _several}), do: wrong(meta, "one function; a list for several")
  defp pattern(call), do: guarded(call)

  defp guarded({:when, _meta, [call, guard]}), do: call |> function() |> guard(guard)
  defp guarded(call), do: call |> function() |> elem(0)

  defp guard({%{head: :_}, _names}, guard),
    do: wrong(Match.meta(guard), "arguments before `when`: name them in parentheses")

  defp guard({pattern, names}, guard), do: %{pattern | guards: [Match.guard(guard, names)]}

  defp returns({:return, _meta, nil}), do: true
  defp returns(other), do: wrong(Match.meta(other), "`return` behind the arrow")

  # The pattern, and what its variables are called.
  defp function({:/, _meta, [{{:., _, [module, function]}, _, []}, arity]})
       when is_atom(function) and arity in 0..255,
       do: {named(module, function, arity), %{}}

  defp function({:/, meta, _other}), do: wrong(meta, "a function and an arity from 0 to 255")

  defp function({{:., _, [module, function]}, meta, arguments}) when is_atom(function) do
    if meta[:no_parens],
      do: {named(module, function, :_), %{}},
      else: called(named(module, function, length(arguments)), arguments, meta)
  end

  defp function(module), do: {%Pattern{module: module(module)}, %{}}

  defp called(%{function: :_}, _arguments, meta), do: wrong(meta, "the name of a function")

  defp called(pattern, arguments, _meta) do
    {head, names} = Match.head(arguments)
    {%{pattern | head: head}, names}
  end

  defp named(module, function, arity),
    do: %Pattern{module: module(module), function: function, arity: arity}

  defp module(module) when is_atom(module) and module not in [nil, true, false, :_], do: module

  defp module({:__aliases__, meta, parts}) do
    if Enum.all?(parts, &is_atom/1),
      do: Module.concat(parts),
      else: wrong(meta, "the name of a module")
  end

  defp module(other), do: wrong(Match.meta(other), "the name of a module")

  @doc false
  @spec wrong(keyword, String.t()) :: no_return
  def wrong(meta, expected), do: throw({:bad, meta, expected})
end
