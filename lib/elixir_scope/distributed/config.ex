defmodule ElixirScope.Distributed.Config do
  @moduledoc """
  The configuration under `config :elixir_scope_distributed`, read once at start.

  No other module reads the application environment. A wrong key or value raises
  `ArgumentError` with what was expected, what came and what was probably meant.

  ## Keys

  #{ElixirScope.Distributed.Options.docs(:config)}

  ## Example

      config :elixir_scope_distributed,
        cluster_nodes_init: [:"web@10.0.0.1", :"orders@10.0.0.2"],
        retention_bytes: 256 * 1024 * 1024
  """

  alias ElixirScope.Distributed.Options

  # What was granted to this VM alone, over the pipe by which it was started for a debugging session: no file,
  # variable or argument grants it, and no program that this VM starts inherits it.
  @granted {__MODULE__, :granted}

  @app :elixir_scope_distributed

  @doc "The configuration, checked and with its defaults."
  @spec read!() :: keyword
  def read! do
    @app
    |> Application.get_all_env()
    |> Keyword.drop([:included_applications])
    |> check!()
    |> granted()
  end

  @doc false
  # What the project says of the library is not for this VM.
  @spec forget() :: :ok
  def forget do
    for {key, _value} <- Application.get_all_env(@app), do: Application.delete_env(@app, key)
    :ok
  end

  defp granted(config),
    do: Keyword.update!(config, :allow, &Enum.uniq(&1 ++ :persistent_term.get(@granted, [])))

  @doc false
  @spec grant([atom]) :: :ok
  def grant(capabilities), do: :persistent_term.put(@granted, capabilities)

  @doc """
  The options of the default scope, taken from a checked configuration.

      iex> config = ElixirScope.Distributed.Options.validate!(:config, flush_ms: 100)
      iex> ElixirScope.Distributed.Config.start_options(config)[:flush_ms]
      100
  """
  @spec start_options(keyword) :: keyword
  def start_options(config), do: Keyword.take(config, Keyword.keys(Options.schema(:start)))

  defp check!(env) do
    case Options.validate(:config, env) do
      {:ok, config} -> config
      {:error, message} -> raise ArgumentError, "config #{inspect(@app)}: #{message}"
    end
  end
end
