defmodule ElixirScope.Distributed.Capture.Redact do
  @keys ~w(pin cvc cvv ssn cookie cookies)
  @parts ~w(password passwd passphrase secret token api_key apikey authorization credential
            private_key credit_card card_number)

  @moduledoc """
  What no event shows: decided before a byte is copied, so that a secret is in no ring,
  no file and no message.

  The value under a secret key of a map, a keyword list or a pair such as a header is
  replaced by `%ElixirScope.Distributed.Opaque{type: :redacted}`, and so is a whole struct
  or record of a secret type. Keys may be atoms or binaries and are compared without
  regard to case.

      config :elixir_scope_distributed,
        redact: [
          keys: [:iban, "diagnosis"],
          types: [MyApp.Card, :account],
          functions: [{MyApp.Vault, :open}, {MyApp.Users, :login, 2}]
        ]

    * `keys` - an atom hides the key of that name, a string every key that contains it;
    * `types` - structs, and records by their tag;
    * `modules` - whatever passes through functions of these modules, where they are traced or
      instrumented: arguments, what they return, why they fail;
    * `functions` - the same for single functions, of any or of one arity;
    * `defaults` - `false` shows what is otherwise hidden without being asked for: keys that
      contain #{Enum.map_join(@parts, ", ", &"`#{&1}`")}, and the keys
      #{Enum.map_join(@keys, ", ", &"`#{&1}`")}.

  What stands elsewhere is not found: a password in the middle of a text, or as the only
  argument of a function, unless its module is named.
  """

  @lists [keys: [], types: [], modules: [], functions: []]

  @doc "Whether a value is what the option `redact` takes."
  @spec valid?(term) :: boolean
  def valid?(options), do: Keyword.keyword?(options) and Enum.all?(options, &known?/1)

  @doc "The rules of a checked option, as the native side takes them."
  @spec rules(keyword) :: map
  def rules(options) do
    options = Keyword.merge(@lists, options)
    {names, parts} = Enum.split_with(options[:keys], &is_atom/1)
    {keys, default_parts} = defaults(Keyword.get(options, :defaults, true))

    %{
      keys: texts(names) ++ keys,
      parts: parts ++ default_parts,
      types: texts(options[:types]),
      modules: texts(options[:modules]),
      functions: Enum.map(options[:functions], &function/1)
    }
  end

  defp defaults(true), do: {@keys, @parts}
  defp defaults(false), do: {[], []}

  defp known?({:defaults, value}), do: is_boolean(value)
  defp known?({:keys, keys}), do: is_list(keys) and Enum.all?(keys, &key?/1)
  defp known?({key, names}) when key in [:types, :modules], do: all_atoms?(names)
  defp known?({:functions, names}), do: is_list(names) and Enum.all?(names, &function?/1)
  defp known?(_other), do: false

  defp function?({module, name}), do: is_atom(module) and is_atom(name)
  defp function?({module, name, arity}), do: function?({module, name}) and arity in 0..255
  defp function?(_other), do: false

  defp function({module, name}), do: {module, name, nil}
  defp function({_module, _name, _arity} = function), do: function

  defp key?(key), do: is_atom(key) or (is_binary(key) and key != "")
  defp all_atoms?(names), do: is_list(names) and Enum.all?(names, &is_atom/1)
  defp texts(atoms), do: Enum.map(atoms, &Atom.to_string/1)
end
