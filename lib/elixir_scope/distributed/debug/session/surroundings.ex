defmodule ElixirScope.Distributed.Debug.Session.Surroundings do
  @moduledoc false
  # What environment variables and options say of the node that `mix scope.node` is to be; pure. An option
  # wins over its variable.

  alias ElixirScope.Distributed.CLI.Join
  alias ElixirScope.Distributed.Debug.Session.Names

  @mode "ELIXIR_SCOPE_DISTRIBUTED_MODE"
  @name "ELIXIR_SCOPE_NODE_NAME"
  @cookie "ELIXIR_SCOPE_COOKIE"
  @language "ELIXIR_SCOPE_LANGUAGE_SERVER_NODE"

  @on ~w(1 true yes on)
  @off ["", "0", "false", "no", "off"]

  @type t :: %{
          distributed: boolean,
          name: String.t() | nil,
          domain: :longnames | :shortnames,
          interface: :inet.ip4_address(),
          cookie: String.t() | nil,
          language: String.t() | nil
        }

  @doc "The variables, with what each is for."
  @spec variables() :: [{String.t(), String.t()}]
  def variables do
    [
      {@mode,
       "true: the VM becomes a node; false or nothing: a plain VM, and the others are not read"},
      {@name, "its name, with or without a host; by itself one that no other has"},
      {@cookie,
       "its cookie, which it takes out of its environment; by itself that of Erlang's file"},
      {@language, "the node that knows the code, to which it connects"}
    ]
  end

  @doc """
  Reads them; `values` fill the template of a name.

      iex> Surroundings.read(%{}, %{}, %{})
      {:ok, %{distributed: false}}
  """
  @spec read(map, map, map) :: {:ok, t} | {:error, String.t()}
  def read(env, options, values) do
    case String.downcase(env[@mode] || "") do
      mode when mode in @on -> distributed(env, options, values)
      mode when mode in @off -> plain(options)
      mode -> {:error, "#{@mode}: expected true or false, got: #{inspect(mode)}"}
    end
  end

  # What would have no effect is a mistake.
  defp plain(options) do
    case Enum.find([:name, :interface, :language_node], &Map.has_key?(options, &1)) do
      nil -> {:ok, %{distributed: false}}
      key -> {:error, "--#{String.replace("#{key}", "_", "-")} is of a node: set #{@mode}=true"}
    end
  end

  defp distributed(env, options, values) do
    with {:ok, interface} <- interface(options[:interface] || "127.0.0.1"),
         {:ok, name} <- name(some(options[:name] || env[@name]), values, interface),
         {:ok, cookie} <- checked(some(env[@cookie]), &Names.secret/1, @cookie),
         {:ok, language} <-
           checked(some(options[:language_node] || env[@language]), &Names.to_node/1, @language) do
      [_name, host] = String.split(name, "@")

      {:ok,
       %{
         distributed: true,
         name: name,
         domain: Join.domain(host),
         interface: interface,
         cookie: cookie,
         language: language
       }}
    end
  end

  defp some(""), do: nil
  defp some(text), do: text

  defp checked(nil, _check, _variable), do: {:ok, nil}

  # No cookie is ever shown.
  defp checked(text, check, variable) do
    case check.(text) do
      {:ok, _atom} -> {:ok, text}
      {:error, error} -> {:error, "#{variable}: #{Exception.message(error)}"}
    end
  end

  defp interface(text) do
    case :inet.parse_ipv4strict_address(to_charlist(text)) do
      {:ok, address} ->
        {:ok, address}

      {:error, _einval} ->
        {:error, "--interface: expected an IPv4 address, got: #{inspect(text)}"}
    end
  end

  defp name(nil, values, interface), do: name(Names.template(), values, interface)

  defp name(text, values, interface) do
    [template | host] = String.split(text, "@", parts: 2)
    host = List.first(host) || to_string(:inet.ntoa(interface))

    with :ok <- reachable(host, interface),
         {:ok, %{node: name}} <- made(template, values, host),
         {:ok, _node} <- Names.to_node(name) do
      {:ok, name}
    else
      {:error, text} when is_binary(text) -> {:error, "#{@name}: #{text}"}
      {:error, error} -> {:error, "#{@name}: #{Exception.message(error)}"}
    end
  end

  defp made(template, values, host), do: Names.make(template, [:node], values, host)

  # Others would look for it where it does not listen.
  defp reachable(host, {127, _, _, _}) do
    if host == "localhost" or host =~ ~r/\A127(\.\d{1,3}){3}\z/,
      do: :ok,
      else:
        {:error,
         "#{host} is not this machine's loopback, at which alone the node listens: give --interface"}
  end

  defp reachable(_host, _interface), do: :ok
end
