defmodule ElixirScope.Distributed.Debug.TracerStream.Log do
  @moduledoc false
  # What each module depends on, in versions. A change of one module or of several is one
  # version; of the last ones it is remembered which modules changed, not what they were:
  # who missed some gets these modules as they are now, and has missed nothing. Pure.
  #
  # Invariants: `version` counts the changes since `epoch` began, and nothing else. `history`
  # has the modules of the versions from `version - kept + 1` to `version`, the newest first,
  # and `kept` is at most `limit`.

  alias ElixirScope.Distributed.Debug.Graph

  @enforce_keys [:epoch, :limit]
  defstruct [:epoch, :limit, version: 0, modules: %{}, history: {[], []}, kept: 0]

  @type entries :: [Graph.entry()]
  @type md5 :: binary | nil
  @typedoc "What was only `:touched` is sent again as it is: something that is not of the graph changed."
  @type change ::
          {:put, module, md5, entries}
          | {:observed, module, entries}
          | {:removed, module}
          | {:touched, module}
  @type position :: {epoch :: integer, version :: non_neg_integer}
  @type t :: %__MODULE__{
          epoch: integer,
          limit: pos_integer,
          version: non_neg_integer,
          modules: %{module => {md5, packed :: binary}},
          history: :queue.queue([module]),
          kept: non_neg_integer
        }

  @doc "An empty one, which remembers the changes of `limit` versions."
  @spec new(integer, pos_integer) :: t
  def new(epoch, limit), do: %__MODULE__{epoch: epoch, limit: limit}

  @doc "Where it is now."
  @spec position(t) :: position
  def position(log), do: {log.epoch, log.version}

  @doc "The versions of the modules that are defined."
  @spec md5s(t) :: %{module => md5}
  def md5s(log), do: Map.new(log.modules, fn {module, {md5, _packed}} -> {module, md5} end)

  @doc "Makes the changes, as one version; those which change nothing are none."
  @spec put(t, [change]) :: {t, changed :: [module]}
  def put(log, changes) do
    modules = Enum.reduce(changes, log.modules, &apply_change/2)
    changed = changes |> Enum.map(&elem(&1, 1)) |> Enum.uniq()
    touched = for {:touched, module} <- changes, is_map_key(modules, module), do: module
    changed = Enum.filter(changed, &(modules[&1] != log.modules[&1] or &1 in touched))
    {remember(%{log | modules: modules}, changed), changed}
  end

  # What was observed of a module stays when it is compiled again.
  defp apply_change({:put, module, md5, entries}, modules),
    do: Map.put(modules, module, {md5, pack(declared(entries) ++ observed(modules, module))})

  defp apply_change({:observed, module, entries}, modules) do
    {md5, now} = module(modules, module)
    Map.put(modules, module, {md5, pack(now ++ Enum.filter(entries, &observed?/1))})
  end

  defp apply_change({:removed, module}, modules), do: Map.delete(modules, module)
  defp apply_change({:touched, _module}, modules), do: modules

  defp declared(entries), do: Enum.reject(entries, &observed?/1)

  defp observed(modules, name),
    do: modules |> module(name) |> elem(1) |> Enum.filter(&observed?/1)

  defp observed?({_needed, kind, _places}), do: kind == :observed

  defp module(modules, name) do
    case modules do
      %{^name => {md5, packed}} -> {md5, :erlang.binary_to_term(packed, [:safe])}
      %{} -> {nil, []}
    end
  end

  # As bytes the lists of a large system are no work for the collector of garbage. In one order,
  # so that what says the same is the same.
  defp pack(entries), do: entries |> Enum.uniq() |> Enum.sort() |> :erlang.term_to_binary()

  defp remember(log, []), do: log

  defp remember(log, changed) do
    forget(%{
      log
      | version: log.version + 1,
        history: :queue.in_r(changed, log.history),
        kept: log.kept + 1
    })
  end

  defp forget(%{kept: kept, limit: limit} = log) when kept <= limit, do: log
  defp forget(log), do: %{log | history: :queue.drop_r(log.history), kept: log.kept - 1}

  @doc """
  What who stands at a position lacks: nothing, the present state of the modules that changed
  since, or, where that is not remembered or is most of them, everything.
  """
  @spec since(t, position | nil) :: :current | {:changes, [change]} | :everything
  def since(%{epoch: epoch, version: version}, {epoch, version}), do: :current

  def since(%{epoch: epoch} = log, {epoch, version}) when version < log.version do
    missed = log.version - version
    if missed <= log.kept, do: changes(log, missed), else: :everything
  end

  def since(_log, _elsewhere), do: :everything

  defp changes(log, missed) do
    changed = log.history |> :queue.to_list() |> Enum.take(missed) |> Enum.concat() |> Enum.uniq()

    if missed > 1 and length(changed) > div(map_size(log.modules), 2),
      do: :everything,
      else: {:changes, present(log, changed)}
  end

  @doc "What has to be put or removed for modules to be as they are now."
  @spec present(t, [module]) :: [change]
  def present(log, names), do: Enum.map(names, &one(log.modules, &1))

  defp one(modules, name) when is_map_key(modules, name) do
    {md5, entries} = module(modules, name)
    {:put, name, md5, entries}
  end

  defp one(_modules, name), do: {:removed, name}

  @doc "All lists, of which a graph is made."
  @spec list(t) :: [{module, entries}]
  def list(log),
    do:
      for({:put, name, _md5, entries} <- present(log, Map.keys(log.modules)), do: {name, entries})
end
