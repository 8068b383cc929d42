defmodule ElixirScope.Distributed.Debug.Stopped.Pass do
  @moduledoc false
  # A line may hold several expressions, above all where a macro stood: whoever passes it stands there once.
  # Within a call variables are only added, and those that are there stay what they are; so a place at which there
  # are more than before, and none is another one, is still passed.

  alias ElixirScope.Distributed.Debug.Int.Metas

  @type t :: {{module, integer, integer}, %{atom => integer | nil}}

  @doc "The place where a meta stands, with what is bound there."
  @spec at({module, integer, integer}, pid) :: t
  def at(place, meta), do: {place, bound(meta)}

  @doc "Whether where it stands now is passed already, or is nothing to be shown."
  @spec same?(t | nil, {module, integer, integer}, pid) :: boolean
  # Elixir gives some literals no line, such as a pair at the end of a function.
  def same?(_last, {_module, line, _level}, _meta) when line < 1, do: true

  def same?({place, before}, place, meta) do
    now = bound(meta)

    map_size(now) > map_size(before) and
      Enum.all?(before, fn {name, hash} -> now[name] == hash end)
  end

  def same?(_last, _place, _meta), do: false

  # By a process of its own, as values are copied with them.
  defp bound(meta) do
    {_pid, monitor} = spawn_monitor(fn -> exit({:bound, hashes(Metas.bindings(meta))}) end)

    receive do
      {:DOWN, ^monitor, :process, _pid, {:bound, hashes}} -> hashes
      {:DOWN, ^monitor, :process, _pid, _gone} -> %{}
    end
  end

  defp hashes(bindings) do
    for {name, value} <- bindings,
        into: %{},
        do: {name, if(name != :_, do: :erlang.phash2(value))}
  end
end
