defmodule ElixirScope.Distributed.Debug.Adapter.Import.Task do
  @moduledoc false
  # Keys of ElixirLS that change how the task runs, as arguments of Mix, which runs it here: what a
  # terminal would be told to do the same.

  @type converted :: {map, became :: String.t() | nil, why :: String.t()}

  # They start the applications, or never return, by themselves.
  @starts ~w(run test phx.server)
  @stays ~w(phx.server)

  @doc "Files to load first: an option of `mix run`; tests load theirs."
  @spec require_files(map, term) :: converted
  def require_files(new, files) do
    case {task(new), files} do
      {"test", _files} ->
        {new, nil, "mix test loads its own files"}

      {"run", [_ | _]} ->
        {prepend(new, Enum.flat_map(files, &["-r", &1])), "taskArgs", "mix run -r loads them"}

      _other ->
        {new, nil, "load them in the task, or with `mix do run -r FILE + #{task(new)}`"}
    end
  end

  @doc "Applications to start first: `mix do app.start + TASK`, where the task does not start them."
  @spec start_apps(map, term) :: converted
  def start_apps(new, start?) do
    cond do
      start? != true -> {new, nil, "the task starts what it needs"}
      task(new) in @starts -> {new, nil, "mix #{task(new)} starts them"}
      true -> {chain(new, ["app.start"], []), "task and taskArgs", "mix do starts them first"}
    end
  end

  @doc "Going on when the task has returned: `mix do TASK + run --no-halt`."
  @spec exit_after(map, term) :: converted
  def exit_after(new, exit?) do
    cond do
      exit? != false ->
        {new, nil, "a session ends with its program"}

      task(new) in @stays ->
        {new, nil, "mix #{task(new)} does not return"}

      task(new) == "run" ->
        {prepend(new, ["--no-halt"]), "taskArgs", "mix run --no-halt goes on"}

      true ->
        {chain(new, [], ["run", "--no-halt"]), "task and taskArgs", "mix do goes on afterwards"}
    end
  end

  # What is wrong with them is said of the whole configuration.
  defp task(%{"task" => task}) when is_binary(task), do: task
  defp task(_new), do: "run"

  defp args(%{"taskArgs" => args}) when is_list(args), do: args
  defp args(_new), do: []

  defp prepend(new, first), do: Map.put(new, "taskArgs", first ++ args(new))

  # A chain that is there already gets longer.
  defp chain(new, before, behind) do
    whole = if task(new) == "do", do: args(new), else: [task(new) | args(new)]
    parts = Enum.reject([before, whole, behind], &(&1 == []))

    Map.merge(new, %{
      "task" => "do",
      "taskArgs" => parts |> Enum.intersperse(["+"]) |> Enum.concat()
    })
  end
end
