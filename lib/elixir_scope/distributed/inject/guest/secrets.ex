defmodule ElixirScope.Distributed.Inject.Guest.Secrets do
  @moduledoc false
  # What must not be seen, by the rules of `ElixirScope.Distributed.Capture.Redact`: names of keys
  # (whole or in part, whatever their case), of types, of modules and functions.

  # Keys longer than this are not searched to their end: no name is that long, but data can be.
  @longest_key 256

  @type rules :: %{
          keys: %{binary => true},
          parts: term,
          types: %{binary => true},
          modules: %{binary => true},
          functions: [tuple]
        }

  @doc "The rules in the form in which they are asked; a list of parts becomes one automaton."
  @spec compile(map) :: rules
  def compile(rules) do
    parts = :lists.filter(&(&1 != ""), :lists.map(&lower/1, rules.parts))

    %{
      keys: set(:lists.map(&lower/1, rules.keys)),
      parts: if(parts == [], do: nil, else: :binary.compile_pattern(parts)),
      types: set(rules.types),
      modules: set(rules.modules),
      functions: rules.functions
    }
  end

  @doc "Whether the value under this key is hidden; keys that are no names hide nothing."
  @spec key?(rules, term) :: boolean
  def key?(rules, key) when is_atom(key), do: hides?(rules, :erlang.atom_to_binary(key))
  def key?(rules, key) when is_binary(key), do: hides?(rules, key)
  def key?(_rules, _key), do: false

  @doc "Whether structs and records of this name are hidden."
  @spec type?(rules, term) :: boolean
  def type?(%{types: types}, name) when is_atom(name) and map_size(types) > 0,
    do: is_map_key(types, :erlang.atom_to_binary(name))

  def type?(_rules, _name), do: false

  @doc "Whether whatever passes through a function is hidden."
  @spec function?(rules, term) :: boolean
  def function?(rules, {module, function, arity}) do
    is_map_key(rules.modules, :erlang.atom_to_binary(module)) or
      :lists.member({module, function, nil}, rules.functions) or
      :lists.member({module, function, arity}, rules.functions)
  end

  def function?(_rules, _subject), do: false

  defp hides?(rules, text) do
    text = lower(:binary.part(text, 0, min(byte_size(text), @longest_key)))
    is_map_key(rules.keys, text) or part?(rules.parts, text)
  end

  defp part?(nil, _text), do: false
  defp part?(parts, text), do: :binary.match(text, parts) != :nomatch

  # Of ASCII only, as the native side does it.
  defp lower(text), do: for(<<byte <- text>>, into: <<>>, do: <<small(byte)>>)

  defp small(byte) when byte in ?A..?Z, do: byte + 32
  defp small(byte), do: byte

  defp set(texts), do: :maps.from_keys(texts, true)
end
