defmodule ScopeTraced do
  # What tests of the tracer trace: it must not be a module of this library, as those are
  # banned. And what the VM knows of tracing, by its own words.

  def add(a, b), do: a + b
  def id(term), do: term
  def outer(term), do: {:outer, id(term)}
  def fail(reason), do: raise(ArgumentError, reason)
  def tossed(term), do: throw(term)
  # Long enough at the bottom to be seen there.
  def deep(0), do: receive(do: (:never -> 0), after: (1_000 -> 0))
  def deep(n), do: 1 + deep(n - 1)
  def place(%{id: id}, more), do: {id, more}
  def pair({a, b}), do: [a, b]
  def list(n), do: Enum.to_list(1..n)
  def down(0), do: 0
  def down(n), do: 1 + down(n - 1)

  # As slow as whoever answers.
  def wait(ref), do: receive(do: ({^ref, result} -> result))
  def again(nil), do: :fast
  def again(ref), do: {again(nil), wait(ref)}
  def fails(ref), do: raise(ArgumentError, wait(ref))

  @doc "A process that does what it is told, one thing after the other."
  def start, do: spawn(__MODULE__, :loop, [])

  def loop do
    receive do
      {:run, fun, from} ->
        send(from, {:ran, self(), fun.()})
        loop()

      :stop ->
        :ok
    end
  end

  @doc "What `fun` returns in such a process."
  def run(pid, fun) do
    begin(pid, fun)
    result(pid)
  end

  @doc "Has such a process run `fun`, and goes on."
  def begin(pid, fun), do: send(pid, {:run, fun, self()})

  @doc "What it returned."
  def result(pid) do
    receive do
      {:ran, ^pid, result} -> result
    after
      5_000 -> raise "#{inspect(pid)} does not answer"
    end
  end

  @functions [add: 2, id: 1, outer: 1, fail: 1, tossed: 1, deep: 1, place: 2, pair: 1, list: 1] ++
               [wait: 1, again: 1, fails: 1, down: 1]

  @doc "Its functions that tests trace."
  def functions, do: for({name, arity} <- @functions, do: {__MODULE__, name, arity})
end

defmodule ScopeTraced.Vm do
  @compile {:no_warn_undefined, :trace}

  alias ElixirScope.Distributed.Capture.Vm

  @doc "Every process and function of which the VM knows something of any tracing."
  def traced(functions \\ ScopeTraced.functions()) do
    targets = [if(Vm.sessions?(), do: :new, else: :new_processes) | Process.list()] ++ functions
    messages = if receive?(), do: [:receive], else: []
    Enum.filter(targets, &traced?(&1, Vm.sessions?())) ++ sessions() ++ messages
  end

  defp traced?(:new, true), do: false

  defp traced?(target, true),
    do: :trace.info(:any, target, :session) not in [{:session, []}, :undefined]

  defp traced?({_, _, _} = mfa, false),
    do: :erlang.trace_info(mfa, :all) not in [{:all, false}, {:all, :undefined}]

  defp traced?(pid, false),
    do: :erlang.trace_info(pid, :flags) not in [{:flags, []}, :undefined]

  # In a session of its own it goes with it.
  defp receive?,
    do: not Vm.sessions?() and :erlang.trace_info(:receive, :match_spec) != {:match_spec, true}

  defp sessions do
    if Vm.sessions?(),
      do: for({:elixir_scope, _} = session <- :trace.session_info(:all), do: session),
      else: []
  end
end
