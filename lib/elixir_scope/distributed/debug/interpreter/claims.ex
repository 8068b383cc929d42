defmodule ElixirScope.Distributed.Debug.Interpreter.Claims do
  @moduledoc false
  # Who wants what interpreted. Pure.
  #
  # Invariant: a module is in it as long as somebody wants it; `claim/3` says when it became wanted,
  # `drop/3` and `drop_all/2` when the last one went. So code is loaded and unloaded once each.

  # One that has several wants is several: a process, or one with the number of its breakpoint.
  @type owner :: pid | {pid, term}
  @type t :: %{module => MapSet.t(owner)}

  @doc "Nobody wants anything."
  @spec new() :: t
  def new, do: %{}

  @doc "An owner wants a module; `:first` if nobody else did."
  @spec claim(t, owner, module) :: {:first | :shared, t}
  def claim(claims, owner, module) do
    case claims do
      %{^module => owners} -> {:shared, %{claims | module => MapSet.put(owners, owner)}}
      _none -> {:first, Map.put(claims, module, MapSet.new([owner]))}
    end
  end

  @doc "An owner no longer wants some modules; those that nobody wants now."
  @spec drop(t, owner, [module]) :: {[module], t}
  def drop(claims, owner, modules) do
    Enum.reduce(Enum.uniq(modules), {[], claims}, fn module, {free, claims} ->
      case without(claims, owner, module) do
        {:free, claims} -> {[module | free], claims}
        {:kept, claims} -> {free, claims}
      end
    end)
  end

  @doc "Some owners want nothing any longer."
  @spec drop_all(t, (owner -> boolean)) :: {[module], t}
  def drop_all(claims, which) do
    owners =
      for {_module, owners} <- claims, owner <- owners, which.(owner), uniq: true, do: owner

    Enum.reduce(owners, {[], claims}, fn owner, {free, claims} ->
      {more, claims} = drop(claims, owner, of(claims, owner))
      {more ++ free, claims}
    end)
  end

  @doc "What an owner wants."
  @spec of(t, owner) :: [module]
  def of(claims, owner),
    do: for({module, owners} <- claims, MapSet.member?(owners, owner), do: module)

  @doc "What is wanted."
  @spec modules(t) :: [module]
  def modules(claims), do: claims |> Map.keys() |> Enum.sort()

  @doc "Whether somebody wants a module."
  @spec wanted?(t, module) :: boolean
  def wanted?(claims, module), do: is_map_key(claims, module)

  defp without(claims, owner, module) do
    with %{^module => owners} <- claims, true <- MapSet.member?(owners, owner) do
      left = MapSet.delete(owners, owner)

      if MapSet.size(left) == 0,
        do: {:free, Map.delete(claims, module)},
        else: {:kept, %{claims | module => left}}
    else
      _not_wanted -> {:kept, claims}
    end
  end
end
