defmodule ElixirScope.Distributed.Debug.Services.Introduced do
  @moduledoc false
  # What a node said of itself, read from what came: of any version, so only what has to be there is
  # looked for.

  import ElixirScope.Distributed.Operations.Shape, only: [each?: 3]

  alias ElixirScope.Distributed.Debug.Services.Versions

  @services 1_000

  defstruct [:node, :desk, :version, :ahead_ms, versions: nil, services: []]

  @type t :: %__MODULE__{
          node: node,
          desk: pid,
          version: Versions.version() | nil,
          versions: Versions.range() | nil,
          ahead_ms: integer,
          services: [{scope :: atom, service :: atom}]
        }

  @doc """
  The answer of a node to what was sent at `sent_ms`. Its clock is taken to be where it would be if the
  way there took no time, so that a deadline in it is never too early.
  """
  @spec read(node, term, integer) :: t | :none
  def read(node, {:elixir_scope_debug_hello, %{versions: versions, desk: desk} = said}, sent_ms)
      when is_pid(desk) and node(desk) == node do
    %__MODULE__{node: node, desk: desk, ahead_ms: ahead(said, sent_ms), services: services(said)}
    |> agreed(versions)
  end

  def read(_node, _other, _sent_ms), do: :none

  defp agreed(peer, {low, high} = versions) when is_integer(low) and is_integer(high) do
    case Versions.agree(Versions.own(), versions) do
      {:ok, version} -> %{peer | version: version, versions: versions}
      :none -> %{peer | versions: versions}
    end
  end

  defp agreed(_peer, _no_range), do: :none

  defp ahead(%{now_ms: now_ms}, sent_ms) when is_integer(now_ms), do: now_ms - sent_ms
  defp ahead(_said, _sent_ms), do: 0

  defp services(%{services: services}) do
    if each?(
         services,
         @services,
         &match?({scope, name} when is_atom(scope) and is_atom(name), &1)
       ),
       do: services,
       else: []
  end

  defp services(_said), do: []
end
