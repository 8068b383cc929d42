defmodule ElixirScope.Distributed.Debug.Stopped.Frames do
  @moduledoc false
  # A stack of frames, from what the interpreter tells of its levels and the VM of compiled code.
  # Pure. Levels grow by one with each call; where they grow by more, compiled code ran in between, and called
  # interpreted code again.

  @interpreter [:dbg_debugged, :dbg_ieval, :error_handler]

  @type raw :: %{
          module: module,
          function: atom,
          arity: arity,
          line: integer | nil,
          level: integer | nil
        }

  @doc """
  The frames, newest first: `levels` as the interpreter has them, `real` as the VM has them, `cut?` whether
  either ends before the stack does.
  """
  @spec all([{integer, tuple}], [tuple], boolean) :: [raw]
  def all(levels, real, cut?), do: merge(levels, compiled(real), cut?)

  defp merge([{level, _} = one, {below, _} = next | rest], segments, cut?)
       when level - below > 1 do
    {segment, segments} = pop(segments)
    [interpreted(one) | segment] ++ merge([next | rest], segments, cut?)
  end

  defp merge([one | rest], segments, cut?) when rest != [] or cut?,
    do: [interpreted(one) | merge(rest, segments, cut?)]

  # Who called interpreted code in the first place.
  defp merge([one], segments, false), do: [interpreted(one) | Enum.concat(segments)]
  defp merge([], segments, cut?), do: if(cut?, do: [], else: Enum.concat(segments))

  defp pop([segment | rest]), do: {segment, rest}
  defp pop([]), do: {[], []}

  defp interpreted({level, {module, function, arguments}}) do
    %{
      module: module,
      function: name(function),
      arity: arity(function, arguments),
      line: nil,
      level: level
    }
  end

  defp name(function) when is_atom(function), do: function
  defp name(function) when is_function(function), do: :erlang.fun_info(function, :name) |> elem(1)

  # A function that compiled code called has its own arguments among those of the interpreter.
  defp arity(_name, [[{:clause, _, _, _, _} | _], arguments, _bindings | _])
       when is_list(arguments),
       do: length(arguments)

  defp arity(_name, arguments) when is_list(arguments), do: length(arguments)
  defp arity(_name, arity) when is_integer(arity), do: arity
  defp arity(_name, _unknown), do: 0

  defp compiled(real) do
    real
    |> Enum.chunk_by(&interpreter?/1)
    |> Enum.reject(fn [first | _rest] -> interpreter?(first) end)
    |> Enum.map(fn segment -> Enum.map(segment, &frame/1) end)
  end

  defp interpreter?(entry), do: elem(entry, 0) in @interpreter

  defp frame({module, function, arity, place}) do
    arity = if is_list(arity), do: length(arity), else: arity
    %{module: module, function: function, arity: arity, line: place[:line], level: nil}
  end

  @doc """
  The function in which one without a name was written.

      iex> ElixirScope.Distributed.Debug.Stopped.Frames.home(:"-total/2-fun-1-", 1)
      {:total, 2}
  """
  @spec home(atom, arity) :: {atom, arity}
  def home(function, arity) do
    with "-" <> rest <- Atom.to_string(function),
         [_all, name, arity] <- Regex.run(~r/^(.+)\/(\d+)-(?:fun-\d+|.*)-$/sU, rest),
         name when name != nil <- existing(name) do
      {name, String.to_integer(arity)}
    else
      _named -> {function, arity}
    end
  end

  defp existing(name) do
    String.to_existing_atom(name)
  rescue
    ArgumentError -> nil
  end
end
