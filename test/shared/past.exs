defmodule ScopePast do
  # Servers and machines whose past tests look at. None of them is a module of this library, as
  # those are never traced.

  defmodule Server do
    use GenServer

    @impl true
    def init(n), do: {:ok, %{n: n, items: [], by: nil}, {:continue, :begin}}
    @impl true
    def handle_continue(:begin, s), do: {:noreply, %{s | items: [:begun]}}

    @impl true
    def handle_call({:add, x}, {pid, _tag}, s),
      do: {:reply, :ok, %{s | items: [x | s.items], by: pid}}

    def handle_call({:ask, whom}, _from, s) do
      value = GenServer.call(whom, :value)
      {:reply, value, %{s | n: s.n + value}}
    end

    def handle_call(:get, _from, s), do: {:reply, s, s}

    @impl true
    def handle_cast({:set, key, value}, s), do: {:noreply, Map.put(s, key, value)}
    def handle_cast({:drop, key}, s), do: {:noreply, Map.delete(s, key)}
    def handle_cast({:inc, k}, s), do: {:noreply, %{s | n: s.n + k}}
    def handle_cast({:tell, whom}, s), do: {:noreply, tell(whom, s)}
    def handle_cast(:fail, _s), do: raise("no")
    def handle_cast(:throw, s), do: throw({:noreply, %{s | n: 0}})

    def handle_cast(:start, s),
      do: {:noreply, Map.put(s, :child, spawn_link(fn -> receive do: (:never -> 0) end))}

    def handle_cast({:child, pid}, s), do: {:noreply, Map.put(s, :same, pid == s.child)}
    def handle_cast(:me, s), do: {:noreply, Map.put(s, :me, self())}
    def handle_cast({:only, what}, s), do: {:noreply, Map.put(s, :only, act(what))}

    @impl true
    def handle_info(:twice, s), do: handle_cast({:inc, s.n}, s)
    def handle_info(:timeout, s), do: {:noreply, Map.put(s, :late, true)}
    def handle_info(:soon, s), do: {:noreply, s, 1}
    def handle_info({:message, _any}, s), do: {:noreply, s}

    defp tell(whom, s) do
      send(whom, {:told, self(), s.n})
      s
    end

    # Where the library runs, this is the recording; elsewhere it is the replay.
    defp act(what) do
      if Process.whereis(ElixirScope.Distributed.Registry), do: :done, else: do_act(what)
    end

    defp do_act({:apply, module, function, arguments}) do
      apply(module, function, arguments)
      :done
    catch
      _refused, _reason -> :done
    end

    defp do_act(:loop), do: do_act(:loop)
    defp do_act(:sleep), do: receive(do: (:never -> :done))
    defp do_act({:grow, all}), do: do_act({:grow, [:binary.copy(<<0>>, 1_000_000) | all]})

    defp do_act({:tell_forever, whom}) do
      send(whom, :again)
      do_act({:tell_forever, whom})
    end

    defp do_act(:busy) do
      for _ <- 1..16,
          do: :erlang.spawn_opt(fn -> do_act(:loop) end, priority: :max)

      do_act(:loop)
    end

    defp do_act(:die), do: Process.exit(self(), :kill)
    defp do_act(:halt), do: :erlang.halt(3)
    defp do_act(:raise), do: raise("only there")
  end

  # It does as the other one, but for one thing.
  defmodule Changed do
    use GenServer
    alias ScopePast.Server
    @impl true
    def init(n), do: Server.init(n)
    @impl true
    def handle_continue(what, s), do: Server.handle_continue(what, s)
    @impl true
    def handle_call({:ask, whom}, _from, s), do: {:reply, 0, %{s | n: s.n + ask(whom)}}
    def handle_call(what, from, s), do: Server.handle_call(what, from, s)
    @impl true
    def handle_cast({:inc, 13}, s), do: {:noreply, %{s | n: s.n + 14}}
    def handle_cast({:inc, 14}, _s), do: raise("unlucky")
    def handle_cast(what, s), do: Server.handle_cast(what, s)
    @impl true
    def handle_info(what, s), do: Server.handle_info(what, s)

    defp ask(whom), do: GenServer.call(whom, :another_value)
  end

  defmodule Value do
    use GenServer
    @impl true
    def init(n), do: {:ok, n}
    @impl true
    def handle_call(:value, _from, n), do: {:reply, n, n + 1}
  end

  defmodule States do
    @behaviour :gen_statem
    def callback_mode, do: [:state_functions, :state_enter]
    def init(data), do: {:ok, :shut, data}
    def shut(:enter, _old, _data), do: :keep_state_and_data

    def shut(:cast, :open, data),
      do: {:next_state, :open, Map.update(data, :opened, 1, &(&1 + 1))}

    def shut(kind, what, data), do: any(kind, what, data)
    def open(:enter, _old, data), do: {:keep_state, Map.put(data, :entered, true)}
    def open(:cast, :shut, data), do: {:next_state, :shut, data}
    def open(:cast, :open, _data), do: {:keep_state_and_data, :postpone}
    def open(kind, what, data), do: any(kind, what, data)

    defp any(:cast, {:put, key, value}, data), do: {:keep_state, Map.put(data, key, value)}
    defp any(:cast, :later, data), do: {:keep_state, data, {:state_timeout, 1, :over}}
    defp any(:state_timeout, :over, data), do: {:keep_state, Map.put(data, :over, true)}
    defp any(:cast, :shut, _data), do: :keep_state_and_data
    defp any({:call, from}, :get, data), do: {:keep_state_and_data, {:reply, from, data}}
  end

  defmodule Events do
    @behaviour :gen_statem
    def callback_mode, do: :handle_event_function
    def init(data), do: {:ok, {:count, 0}, data}

    def handle_event(:cast, :next, {:count, n}, data),
      do: {:next_state, {:count, n + 1}, data, {:next_event, :internal, :counted}}

    def handle_event(:internal, :counted, _state, _data), do: :keep_state_and_data

    def handle_event(:cast, {:put, key, value}, _state, data),
      do: {:keep_state, Map.put(data, key, value)}

    def handle_event(:cast, :nothing, _state, _data), do: :keep_state_and_data

    def handle_event({:call, from}, :get, state, data),
      do: {:keep_state_and_data, [{:reply, from, {state, data}}]}
  end
end
