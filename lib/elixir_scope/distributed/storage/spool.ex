defmodule ElixirScope.Distributed.Storage.Spool do
  @moduledoc false
  # The native store, as a plugged storage is fed from it: which numbers of which origins are
  # here, and the events of a range of them.

  import Kernel, except: [node: 1]

  alias ElixirScope.Distributed.{Event, Query.Page, Scope}
  alias ElixirScope.Distributed.Storage.{Fed, Filter}

  # Events of a page at most; ranges are shorter.
  @most 8_192

  @doc "The origin of what this scope records."
  @spec own(Scope.t()) :: Fed.origin()
  def own(scope), do: {Atom.to_string(scope.node), scope.incarnation}

  @doc "What is here, with all that was recorded before the call."
  @spec holdings(Scope.t()) :: Fed.holdings()
  def holdings(scope), do: Page.holdings(scope.store)

  @doc "The events of a range, as far as they are still here, in stamp order."
  @spec read(Scope.t(), Fed.range()) :: [Event.t()]
  def read(scope, {{node, start}, first, last}),
    do: pages(scope.store, [{node, start, first, last}], nil)

  defp pages(store, ranges, cursor) do
    page = Page.read(store, Filter.new(limit: @most), ranges, cursor)
    {:ok, events} = Page.events(page.page)
    if page.more, do: events ++ pages(store, ranges, page.cursor), else: events
  end

  @doc "A node by its name, which is known here as events of it are or were."
  @spec node(String.t()) :: node
  def node(text), do: String.to_existing_atom(text)
end
