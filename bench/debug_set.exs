# Breakpoints on a generated application of a thousand modules, in a folder of its own: how long until one is
# verified, and how much slower the rest of the application is with one set, beside having every module
# interpreted. All in one run; every answer is checked.

Code.require_file("support.exs", __DIR__)
alias ElixirScope.Distributed.Debug.{Breakpoints, Interpreter}

modules = String.to_integer(System.get_env("MODULES") || "1000")
folder = Path.join(System.tmp_dir!(), "debug-set-#{System.pid()}")
File.mkdir_p!(folder)

# Each calls the one behind it and has some work of its own; hundred contexts of ten.
source = fn n ->
  next = if rem(n, 10) == 1, do: "acc", else: "Generated.M#{n - 1}.run(acc)"

  """
  defmodule Generated.M#{n} do
    def run(acc) do
      sum = Enum.reduce(1..5, acc, fn i, acc -> acc + step(i, acc) end)
      acc = rem(sum, 1_000_003)
      #{next}
    end

    defp step(i, acc) when rem(acc, 2) == 0, do: i * 3 + 1
    defp step(i, _acc), do: i + #{n}
  end
  """
end

files = for n <- 1..modules, do: {Path.join(folder, "m#{n}.ex"), source.(n)}
for {file, text} <- files, do: File.write!(file, text)
Code.compiler_options(debug_info: true, ignore_module_conflict: true)
{:ok, all, _} = Kernel.ParallelCompiler.compile_to_path(Enum.map(files, &elem(&1, 0)), folder)
^modules = length(all)
Code.prepend_path(folder)
{:ok, _} = ElixirScope.Distributed.start(name: :bench, allow: [:record, :query, :trace, :debug])

chain = fn n -> Module.concat(Generated, "M#{n}").run(1) end
app = fn -> for n <- 20..modules//10, do: chain.(n) end
expected = app.()

timed = fn fun ->
  {us, result} = :timer.tc(fun)
  {us / 1_000, result}
end

rest = fn ->
  many = fn -> for _ <- 1..50, do: ^expected = app.() end
  times = for _ <- 1..5, {ms, _all} <- [timed.(many)], do: ms / 50
  Enum.at(Enum.sort(times), 2)
end

place = fn n -> {Path.join(folder, "m#{n}.ex"), 3} end

set = fn n, options ->
  {ms, {:ok, [{:ok, %{verified: true}, _}]}} =
    timed.(fn -> Breakpoints.set(place.(n), [scope: :bench, condition: "acc < 0"] ++ options) end)

  ms
end

compiled = rest.()
first = set.(10, deps: :none)
again = for n <- 1..9, do: set.(n, deps: :none)
with_one = rest.()
:ok = Breakpoints.clear(:all)

later = for n <- 20..28, do: set.(n, [])
:ok = Breakpoints.clear(:all)

{all_ms, {:ok, results}} =
  timed.(fn -> Interpreter.interpret(all, scope: :bench, timeout_ms: 600_000) end)

true = Enum.all?(results, &match?({:ok, _}, &1))
{interpreted, ^expected} = timed.(app)
{restore_ms, :ok} = timed.(fn -> Interpreter.restore(:all, scope: :bench) end)
restored = rest.()
0 = Interpreter.get_interpretation_status().interpreted_count
median = fn list -> list |> Enum.sort() |> Enum.at(div(length(list), 2)) end
ms = &:erlang.float_to_binary(&1 / 1, decimals: 2)

IO.puts("""
#{modules} modules, OTP #{System.otp_release()}, Elixir #{System.version()}, #{System.schedulers_online()} schedulers, medians

| from set to verified | ms |
|---|---|
| the first one (looks for the file among all modules) | #{ms.(first)} |
| each further one, its module alone | #{ms.(median.(again))} |
| each further one, with what it can reach interpreted behind it | #{ms.(median.(later))} |
| beside: every module interpreted first | #{ms.(all_ms)} |
| all of them given back | #{ms.(restore_ms)} |

| the rest of the application | ms | times |
|---|---|---|
| compiled | #{ms.(compiled)} | 1.0 |
| with ten breakpoints set elsewhere | #{ms.(with_one)} | #{ms.(with_one / compiled)} |
| with every module interpreted | #{ms.(interpreted)} | #{ms.(interpreted / compiled)} |
| given back | #{ms.(restored)} | #{ms.(restored / compiled)} |
""")

File.rm_rf!(folder)
