defmodule ElixirScope.Distributed.Case do
  @moduledoc """
  Tests on real nodes: start them, cut them apart, kill them, look what they say.

      defmodule MyApp.OrdersTest do
        use ElixirScope.Distributed.Case, nodes: [:web, :orders], apps: [:my_app]

        test "an order survives a partition", %{nodes: [web, orders]} do
          partition(web, orders)
          on(web, fn -> MyApp.place_order(1) end)
          heal([web, orders])
          eventually(fn -> assert on(orders, MyApp, :order, [1]) end)
        end
      end

  `nodes:` starts that many nodes, or one of each name, before each test, as
  `nodes` in its context; without it a test starts its own with `start_nodes/2`.
  All other options are those of `start_nodes/2`, but for `async: true`, which
  goes to `ExUnit.Case`. Tests are tagged `:cluster`. Nodes end with the test that
  started them, also when it fails.

  Nothing has to be prepared: the run starts a port mapper (epmd) of its own,
  unless the environment names one with `ERL_EPMD_PORT`, and the node that runs
  the tests need not be distributed.

  What the code under test does is recorded on all nodes (`capture:`), and when a test fails, the
  causal timeline that led to the failure is printed. Assertions about it read like sentences:

      placed = assert_called MyApp.Orders.place(%{id: 1}), on: orders
      paid = assert_sent {:paid, 1}, to: orders
      assert_before placed, paid

  They are in `ElixirScope.Distributed.Case.Sentences`. Beside the verbs there are `eventually/2`, for
  what takes time, and `ElixirScope.Distributed.Case.Gen`, for tests of many generated inputs.
  """

  # ExUnit is there wherever this is used, but no application that only observes
  # itself should have to start it.
  @compile {:no_warn_undefined, ExUnit.Callbacks}

  alias ElixirScope.Distributed.Case.{Capture, Cluster, Eventually, Modules, Teller}

  @doc false
  defmacro __using__(options) do
    quote do
      use ExUnit.Case, Keyword.take(unquote(options), [:async])
      import ExUnit.Case, except: [test: 2, test: 3]
      import ElixirScope.Distributed.Case
      import ElixirScope.Distributed.Case.{Sentences, Told}

      @moduletag :cluster
      @after_compile ElixirScope.Distributed.Case
      @scope_nodes Keyword.get(unquote(options), :nodes)
      @scope_node_options Keyword.drop(unquote(options), [:nodes, :async])

      setup do
        if @scope_nodes,
          do: [nodes: start_nodes(@scope_nodes, @scope_node_options)],
          else: :ok
      end
    end
  end

  @doc false
  defdelegate __after_compile__(env, code), to: Modules, as: :keep

  @doc """
  Starts nodes that end with the test: a number of them, or one for each name.

  Options:

    * `:apps` - what is started on them (`[:elixir_scope_distributed]`),
    * `:config` - their application environment, on top of what the test run has
      for these applications: `[my_app: [port: 0]]`,
    * `:connect` - whether they are connected with each other (`true`),
    * `:log` - the level from which they log (`:error`),
    * `:net_ticktime` - seconds after which a silent connection counts as lost;
      4 for tests of half-open connections,
    * `:exec` - another Erlang: a path, or `{path, arguments}`; control goes over
      standard input and output, so its version may differ (an older one cannot load
      what a newer one compiled),
    * `:code_paths` - where they load code from (this run's paths, without OTP's
      own); give it with `:exec`, where Elixir is another one too,
    * `:host` - the address in their names (`"127.0.0.1"`); another one where `:exec`
      starts them in a network of their own, with a port mapper at the same port,
    * `:args`, `:env` - more arguments (strings) for `erl`, more variables (pairs),
    * `:cookie` - instead of the run's own,
    * `:unique` - whether names are made unique in the machine (`true`); `false` for what people are
      to read, where nothing else runs,
    * `:boot_ms` - how long a node may take to start (30,000),
    * `:capture` - what the nodes record from the start: patterns as in
      `ElixirScope.Distributed.trace/2`, or `{patterns, options}` with its options; by default
      (`true`) all modules of `:apps` but for this library's and OTP's; where that is refused, it is said and
      nothing is captured; `false`.
      Calls, returns, messages and processes are recorded, without the limits that a node
      that serves others would need.

      [a, b, c] = start_nodes(3)
      [web] = start_nodes([:web], apps: [:my_app], config: [my_app: [port: 0]])
  """
  @spec start_nodes(pos_integer | [atom], keyword) :: [node]
  def start_nodes(number_or_names, options \\ []) do
    {capture, options} = Keyword.pop(options, :capture, true)
    nodes = Cluster.start_nodes(number_or_names, options, &supervised/1)
    wanted = Capture.wanted(capture, Keyword.get(options, :apps, []))
    :ok = Teller.follow(nodes, wanted)
    nodes
  end

  @doc """
  Cuts the network between two sides, or with `to:` in one direction.

      partition([a], [b, c])
      partition(a, to: b)

  After the first neither side can connect to the other. After the second the
  existing connection is closed and `a` cannot open one to `b`, but `b` can open
  one to `a`, and it will then carry messages both ways: Erlang distribution has no
  connection of one direction. See `ElixirScope.Distributed.Case.Cluster.partition/2`.
  """
  @spec partition(node | [node], node | [node] | [to: node | [node]]) :: :ok
  defdelegate partition(left, right), to: Cluster

  @doc """
  Takes back every cut among `nodes` and connects them, unless `connect: false`.

      heal([a, b, c])
  """
  @spec heal([node], connect: boolean) :: :ok
  defdelegate heal(nodes, options \\ []), to: Cluster

  @doc """
  Kills a node's operating system process with SIGKILL; returns when it is gone.

      kill(b)
  """
  @spec kill(node) :: :ok
  defdelegate kill(node), to: Cluster

  @doc """
  Stops a node in order, with all its applications; returns when it is gone.

      stop(b)
  """
  @spec stop(node) :: :ok
  defdelegate stop(node), to: Cluster

  @doc """
  Starts a node again, under its name and with its options, as a new incarnation.

      kill(b)
      restart(b)
  """
  @spec restart(node) :: :ok
  def restart(node) do
    :ok = Cluster.restart(node)
    Teller.again(node)
  end

  @doc """
  Freezes a node's operating system process: its connections become half-open.

      [a, b] = start_nodes(2, net_ticktime: 4)
      freeze(b)
      eventually(fn -> assert on(a, &Node.list/0) == [] end, within: 10_000)
  """
  @spec freeze(node) :: :ok
  defdelegate freeze(node), to: Cluster

  @doc """
  Lets a frozen node go on.

      thaw(b)
  """
  @spec thaw(node) :: :ok
  defdelegate thaw(node), to: Cluster

  @doc """
  Connects nodes with each other, as far as nothing is cut.

      nodes = start_nodes(3, connect: false)
      connect(nodes)
  """
  @spec connect([node]) :: :ok
  defdelegate connect(nodes), to: Cluster

  @doc """
  Runs a function on a node, or on each of several, and returns what it returned.

  What it raises is raised here: assertions work inside. It needs no distribution
  on this side and works in a partition.

      on(a, fn -> Node.list() end)
      on([a, b], &Node.self/0)
  """
  @spec on(node | [node], (... -> result)) :: result | [result] when result: term
  defdelegate on(nodes, fun), to: Cluster

  @doc """
  Applies a function on a node, or on each of several.

      on(a, Node, :list, [])
  """
  @spec on(node | [node], module, atom, [term]) :: term
  defdelegate on(nodes, module, function, arguments), to: Cluster

  @doc """
  Retries an assertion until it holds, and returns what it returned.

  At the deadline (`within:`, 5,000 ms) its last failure is raised. A result of
  `false` or `nil` counts as a failure.

      iex> ElixirScope.Distributed.Case.eventually(fn -> 1 + 1 end)
      2
  """
  @spec eventually((... -> result), within: non_neg_integer) :: result when result: term
  defdelegate eventually(assertion, options \\ []), to: Eventually

  defp supervised(spec) do
    ExUnit.Callbacks.start_supervised({ElixirScope.Distributed.Case.Peer, spec})
  end
end
