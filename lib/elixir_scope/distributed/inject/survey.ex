defmodule ElixirScope.Distributed.Inject.Survey do
  @moduledoc false
  # What has to be known of a node before anything is done there, asked with what every Erlang node
  # has. Nothing is changed; of Erlang's own modules some may be loaded there for the first time.

  alias ElixirScope.Distributed.Capture.Health
  alias ElixirScope.Distributed.Inject.{Guest, Remote}

  @library "Elixir.ElixirScope.Distributed.beam"
  @elixir "Elixir.Kernel.beam"
  @application :elixir_scope_distributed

  # Of more processes each is looked at on the node itself, when it begins.
  @most_processes 10_000

  @enforce_keys [:node, :otp, :library?, :elixir?, :allow, :sessions?, :traced, :taken, :memory]
  defstruct [:limits, :available | @enforce_keys]

  @typedoc """
  `traced` is how many processes another tool traces, as far as that matters; `taken` which of our
  modules are there, with the same code or other; `allow` what the node's configuration says.
  """
  @type t :: %__MODULE__{
          node: node,
          otp: pos_integer,
          library?: boolean,
          elixir?: boolean,
          allow: [atom] | nil | {:unreadable, term},
          sessions?: boolean,
          traced: non_neg_integer,
          taken: [{module, :same | :other}],
          memory: non_neg_integer,
          available: non_neg_integer | nil,
          limits: Health.thresholds() | nil
        }

  @doc "Looks at the node."
  @spec of(Remote.t(), keyword) :: t
  def of(at, health) do
    otp = at |> Remote.call(:erlang, :system_info, [:otp_release]) |> List.to_integer()
    sessions? = sessions?(at)
    machine = machine(at)

    %__MODULE__{
      node: at.node,
      otp: otp,
      library?: there?(at, @library, ElixirScope.Distributed),
      elixir?: there?(at, @elixir, Kernel),
      allow: allow(at),
      sessions?: sessions?,
      traced: if(sessions?, do: 0, else: traced(at)),
      taken: taken(at),
      memory: Remote.call(at, :erlang, :memory, [:total]),
      available: machine["MemAvailable"],
      limits: limits(machine, health)
    }
  end

  @doc "How many processes of a node without sessions another tool traces."
  @spec traced(Remote.t()) :: non_neg_integer
  def traced(at) do
    targets = [:new_processes | processes(at)]
    items = List.duplicate(:tracer, length(targets))
    found = Remote.call(at, :lists, :zipwith, [&:erlang.trace_info/2, targets, items])
    Enum.count(found, &(&1 not in [{:tracer, []}, :undefined]))
  end

  defp processes(at) do
    if Remote.call(at, :erlang, :system_info, [:process_count]) <= @most_processes,
      do: Remote.call(at, :erlang, :processes, []),
      else: []
  end

  defp there?(at, file, module) do
    Remote.call(at, :code, :is_loaded, [module]) != false or
      Remote.call(at, :code, :where_is_file, [to_charlist(file)]) != :non_existing
  end

  # Of an application that is not there only what somebody set by hand is known; what stands in the
  # node's configuration file is, where it stands under an application that is there.
  defp allow(at) do
    case Remote.call(at, :application, :get_env, [@application, :allow]) do
      {:ok, allow} -> read(allow)
      :undefined -> at |> Remote.call(:application, :get_env, [:kernel, @application]) |> own()
    end
  end

  defp own(:undefined), do: nil

  defp own({:ok, options}) do
    if Keyword.keyword?(options),
      do: options |> Keyword.get(:allow) |> read(),
      else: {:unreadable, options}
  end

  defp read(nil), do: nil

  defp read(allow) do
    if is_list(allow) and Enum.all?(allow, &is_atom/1), do: allow, else: {:unreadable, allow}
  end

  defp sessions?(at) do
    Remote.call(at, :code, :ensure_loaded, [:trace]) == {:module, :trace} and
      Remote.call(at, :erlang, :function_exported, [:trace, :session_create, 3])
  end

  defp taken(at) do
    modules = Guest.modules()

    for {module, {:file, _}} <-
          Enum.zip(modules, Remote.call(at, :lists, :map, [&:code.is_loaded/1, modules])) do
      theirs = Remote.call(at, :erlang, :get_module_info, [module, :md5])
      {module, if(theirs == module.module_info(:md5), do: :same, else: :other)}
    end
  end

  defp machine(at) do
    case Remote.call(at, :prim_file, :read_file, ["/proc/meminfo"]) do
      {:ok, text} -> Map.new(~w(MemTotal MemAvailable), &{&1, Health.Machine.entry(text, &1)})
      {:error, _none} -> %{}
    end
  end

  # Those of its machine, not of this one.
  defp limits(machine, health) do
    health = Keyword.put_new(health, :memory, share(machine["MemTotal"], 85, :infinity))
    Health.thresholds(Keyword.put_new(health, :available, share(machine["MemTotal"], 5, 0)))
  end

  defp share(nil, _percent, unknown), do: unknown
  defp share(bytes, percent, _unknown), do: div(bytes * percent, 100)
end
