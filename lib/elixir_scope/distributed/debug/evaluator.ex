defmodule ElixirScope.Distributed.Debug.Evaluator do
  @moduledoc false
  # An expression and the variables of a frame: its value. What is asked of a process that stands, the
  # conditions of breakpoints and what log points show are all evaluated here.
  #
  #     {:ok, prepared} = Evaluator.prepare("x + 1", frame)
  #     {:ok, 3} = Evaluator.run(prepared, 1_000)
  #
  # A *frame* is `%{module:, function:, arity:, line:, language: :elixir | :erlang, bindings: [{name, value}]}` with
  # names as text, as they are written. `prepare/3` reads and bounds the text, in whatever process;
  # `run/2` evaluates in the calling one. Elixir's compiler does it itself, and nothing else of the caller is
  # touched.

  alias ElixirScope.Distributed.CLI.{Atoms, Failure}
  alias ElixirScope.Distributed.Debug.Evaluator.{Bounded, Quiet, Surroundings}

  @most_bytes 16_384
  @parsing [file: "evaluate", line: 1, emit_warnings: false]

  @type frame :: %{
          required(:module) => module,
          required(:line) => integer,
          required(:language) => :elixir | :erlang,
          required(:bindings) => [{String.t(), term}],
          optional(atom) => term
        }
  @type prepared :: {:elixir, Macro.t(), keyword, Macro.Env.t()} | {:erlang, [tuple], list}

  @doc """
  Reads an expression. `only: :values` refuses what would call anything: for what is evaluated because a
  pointer rests on it.
  """
  @spec prepare(String.t(), frame, keyword) :: {:ok, prepared} | {:error, String.t()}
  def prepare(text, frame, options \\ [])

  def prepare(text, _frame, _options) when byte_size(text) > @most_bytes,
    do: {:error, "the expression has more than #{@most_bytes} bytes"}

  def prepare(text, %{language: :elixir} = frame, options) do
    Atoms.afford!(text)

    with {:ok, quoted} <- parsed(Code.string_to_quoted(text, @parsing)),
         :ok <- Bounded.allowed(quoted, options[:only]) do
      bindings = for {name, value} <- frame.bindings, do: {Atoms.make!(name), value}

      quoted = quoted |> Surroundings.placed(frame.module) |> Quiet.marked()

      {:ok, {:elixir, quoted, bindings, surroundings(frame)}}
    end
  rescue
    failure in Failure -> {:error, Exception.message(failure)}
  end

  def prepare(text, %{language: :erlang} = frame, options) do
    Atoms.afford!(text)

    with {:ok, tokens, _end} <- :erl_scan.string(to_charlist(ended(text))),
         {:ok, forms} <- :erl_parse.parse_exprs(tokens),
         :ok <- Bounded.allowed_erlang(forms, options[:only]) do
      bindings = for {name, value} <- frame.bindings, do: {Atoms.make!(name), value}
      {:ok, {:erlang, forms, :orddict.from_list(bindings)}}
    else
      {:error, text} when is_binary(text) -> {:error, text}
      {:error, {_line, module, reason}, _end} -> {:error, said(module, reason)}
      {:error, {_line, module, reason}} -> {:error, said(module, reason)}
    end
  rescue
    failure in Failure -> {:error, Exception.message(failure)}
  end

  defp surroundings(frame) do
    {env, _said} = Quiet.do_it(fn -> Surroundings.of(frame) end)
    env
  end

  defp ended(text), do: text |> String.trim() |> String.trim_trailing(".") |> Kernel.<>(".")
  defp said(module, reason), do: "syntax: #{module.format_error(reason)}"

  defp parsed({:ok, quoted}), do: {:ok, quoted}

  defp parsed({:error, {_place, message, token}}),
    do: {:error, "syntax: #{words(message)}#{words(token)}"}

  defp words({one, other}), do: "#{one}#{other}"
  defp words(text), do: "#{text}"

  @doc """
  Its value, or what was raised, as text. What takes longer than `within_ms` ends at the next call of a function
  of the expression itself; within compiled code nothing can end it but its process's end.
  """
  @spec run(prepared, pos_integer) :: {:ok, term} | {:error, String.t()}
  def run(prepared, within_ms) do
    deadline = System.monotonic_time(:millisecond) + within_ms

    case Quiet.do_it(fn -> caught(prepared, deadline) end) do
      {{:ok, value}, _said} ->
        {:ok, value}

      {{:raised, :throw, {Bounded, :too_late}, _stack}, _said} ->
        {:error, "it took longer than #{within_ms} ms"}

      {{:raised, _kind, _reason, _stack}, [_ | _] = said} ->
        {:error, shortly(Enum.join(said, "; "))}

      {{:raised, kind, reason, stack}, []} ->
        {:error, shortly(Exception.format_banner(kind, reason, stack))}
    end
  end

  defp caught(prepared, deadline) do
    {:ok, value(prepared, deadline)}
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end

  defp value({:elixir, quoted, bindings, env}, deadline) do
    {value, _bindings, _env} =
      Code.eval_quoted_with_env(Bounded.until(quoted, deadline), bindings, env)

    value
  end

  defp value({:erlang, forms, bindings}, deadline) do
    {:value, value, _bindings} = :erl_eval.exprs(Bounded.until_erlang(forms, deadline), bindings)
    value
  end

  defp shortly(text), do: text |> String.slice(0, 2_000)
end
