defmodule ElixirScope.Distributed.Debug.Breakpoints do
  @moduledoc """
  Where processes of any node are to stop, or to say something.

      {:ok, [{:ok, breakpoint, _result}]} = Breakpoints.set({"lib/shop/cart.ex", 42}, node: :"web@10.0.0.1")
      {:ok, _set} = Breakpoints.set({Shop.Cart, :total, 1}, condition: "cart.items != []", hit: "% 10")
      {:ok, _set} = Breakpoints.set("Shop.Cart.add/2", log: "adding {item.name}", node: :all)

  A place is `{file, line}` (the file by its full path or its trailing parts), `{module, line}`,
  `{module, function, arity}` or that as text. What is needed there is interpreted first (see
  `ElixirScope.Distributed.Debug.Interpreter`), and given back afterwards.

  A `condition:` is an expression of Elixir over the variables as they are written; it counts when it
  is neither `false` nor `nil`. It runs beside the process that it is about, so `self()` in it is
  another one, and aliases of the source do not hold in it. One that raises or takes
  longer than its bounds does not count, and its owner is told.

  What is wanted is kept here: a node that goes away, or is started again, gets its breakpoints
  again, and with `node: :all` so does one that comes later. On its node a breakpoint
  outlives that its module is compiled again. It belongs to an *owner* (`owner:`, the calling process) and ends with
  it, which is told `{:breakpoint, event, %Breakpoint{}}`:

    * `:verified` - it holds where it did not before;
    * `:moved` - its module was compiled again, and it is somewhere else;
    * `:gone` - it does not hold any more, see its `verified`;
    * `:back` - its node, or what it lost, is back;
    * `:needed` - what else it needs is interpreted; see its `left_out`;
    * `{:condition_failed, text}` - its condition could not be evaluated.

  What a log point says comes as `{:elixir_scope_stopped, node, {:logged, id, pid, text}}`. Who is told of
  what stops is a matter of `ElixirScope.Distributed.Debug.Stopped`: as long as its owner is not
  attached there, no process stands because of a breakpoint.

  Everything here needs `:debug` in the options `allow:` of the scope of the node where it happens.
  """

  alias ElixirScope.Distributed.Debug.Breakpoints.{Breakpoint, Errand, Server}
  alias ElixirScope.Distributed.Debug.Services
  alias ElixirScope.Distributed.{Error, Options}

  @type result ::
          {:ok, Breakpoint.t(), map} | {:error, Breakpoint.t(), Error.t() | atom | tuple}

  @doc """
  Sets a breakpoint, and says how it stands on each node.

  ## Options

  #{Options.docs(:breakpoint)}
  """
  @spec set(Breakpoint.where(), keyword) :: {:ok, [result]} | {:error, term}
  def set(where, options \\ []) do
    put(id(), spec(where, Options.validate!(:breakpoint, options)))
  end

  defp put(id, spec) do
    with {:ok, results} <- Server.put(id, spec),
         do: {:ok, for({{^id, node}, result} <- results, do: shown(id, node, spec, result))}
  end

  defp shown(_id, _node, _spec, {:ok, breakpoint}) do
    interpreted = for :interpreted <- [breakpoint.how], do: {:ok, breakpoint.module}
    {:ok, breakpoint, %{interpreted: interpreted, left_out: breakpoint.left_out}}
  end

  defp shown(id, node, spec, {:error, reason}),
    do: {:error, Errand.shown(id, node, spec, {:error, reason}), reason}

  @doc """
  Has these breakpoints in a file and no others, as editors say it: `[%{line: 42, condition: "x > 3"}]`,
  with `condition:`, `hit:` and `log:` where they are wanted. What was there and is not wanted any more is
  cleared; what is wanted as before is left as it is.

  ## Options

  #{Options.docs(:breakpoint_request)}
  """
  @spec handle_set_breakpoints_request(Path.t(), [map], keyword) ::
          {:ok, [result]} | {:error, term}
  def handle_set_breakpoints_request(file, breakpoints, options \\ []) do
    options = Options.validate!(:breakpoint_request, options)
    owner = options[:owner] || self()
    wanted = for one <- breakpoints, do: wish(file, one, options)
    before = of_file(file, owner)
    {kept, gone} = Enum.split_with(before, fn {_id, spec} -> spec in wanted end)

    with {:ok, _cleared} <- Server.drop(Enum.map(gone, &elem(&1, 0)), owner),
         do: each(wanted, kept)
  end

  defp wish(file, one, options) do
    own = for key <- [:condition, :hit, :log], text = one[key], do: {key, text}
    spec({file, Map.fetch!(one, :line)}, Options.validate!(:breakpoint, options ++ own))
  end

  defp of_file(file, owner),
    do:
      for(
        {id, %{where: {^file, _line}, owner: ^owner} = spec} <- Server.wanted().wanted,
        do: {id, spec}
      )

  # All at once: nobody waits for one to be set before the next is begun.
  defp each(wanted, kept) do
    ids = Map.new(kept, fn {id, spec} -> {spec, id} end)

    wanted
    |> Enum.map(&Task.async(fn -> put(ids[&1] || id(), &1) end))
    |> Task.await_many(:infinity)
    |> Enum.reduce({:ok, []}, &together/2)
  end

  defp together({:ok, results}, {:ok, before}), do: {:ok, before ++ results}
  defp together({:error, reason}, _before), do: {:error, reason}
  defp together(_results, error), do: error

  @doc "Which breakpoints owners of this node want, and how each stands on its nodes."
  @spec list() :: [Breakpoint.t()]
  def list do
    w = Server.wanted()

    live =
      w
      |> held()
      |> Task.async_stream(&live/1, timeout: :infinity)
      |> Enum.flat_map(&elem(&1, 1))
      |> Map.new()

    for {{owner, node}, link} <- w.links,
        {id, %{owner: ^owner} = spec} <- w.wanted,
        result = link.there[id] do
      live[{node, id}] || Errand.shown(id, node, spec, result)
    end
    |> Enum.sort_by(&{&1.id, &1.node})
  end

  defp held(w) do
    for {{owner, node}, %{state: :held}} <- w.links,
        {_id, %{owner: ^owner, scope: scope}} <- w.wanted,
        uniq: true,
        do: {node, scope}
  end

  # As it stands there now: how often it was hit is known nowhere else.
  defp live({node, scope}) do
    case Services.call(:breakpoint_coordination, :list, [], node: node, scope: scope) do
      {:ok, all, _about} -> for one <- all, do: {{node, one.id}, one}
      {:error, _reason} -> []
    end
  end

  @doc "Takes away breakpoints of the calling process, or of `owner:`, on all nodes."
  @spec clear(Breakpoint.t() | pos_integer | [pos_integer] | :all, keyword) ::
          :ok | {:error, term}
  def clear(which, options \\ []) do
    with {:ok, _cleared} <- Server.drop(ids(which), options[:owner] || self()), do: :ok
  end

  defp ids(:all), do: :all
  defp ids(%Breakpoint{id: id}), do: [id]
  defp ids(ids), do: List.wrap(ids)

  @doc "Starts what keeps breakpoints, which otherwise is started when it is first needed."
  @spec start_link(keyword) :: GenServer.on_start()
  defdelegate start_link(options \\ []), to: Server

  @doc false
  defdelegate child_spec(options), to: Server

  defp spec(where, options) do
    {texts, rest} = Keyword.split(options, [:condition, :hit, :log, :deps])

    %{
      owner: rest[:owner] || self(),
      where: where,
      options: Enum.reject(texts, fn {_key, text} -> text == nil end),
      nodes: nodes(rest[:node]),
      scope: rest[:scope],
      timeout_ms: rest[:timeout_ms]
    }
  end

  defp id, do: System.unique_integer([:positive, :monotonic])

  defp nodes(nil), do: [node()]
  defp nodes(:all), do: :all
  defp nodes(node) when is_atom(node), do: [node]
  defp nodes(nodes), do: nodes
end
