defmodule ElixirScope.Distributed.Recording do
  @moduledoc """
  What a question found in the whole cluster, as one file; and such a file as a scope.

      {:ok, saved} = ElixirScope.Distributed.save("r-17.scope", correlation_id: "r-17")
      {:ok, scope} = ElixirScope.Distributed.open("r-17.scope")
      {:ok, events} = ElixirScope.Distributed.events(scope: scope)
      :ok = ElixirScope.Distributed.close(scope)

  A recording is opened anywhere, also where none of its nodes was ever known, and by every later version.
  It is asked as a live cluster is: every function that takes `scope:` takes its name. Who did not
  answer when it was made is `missing` in its answers, and what was lost is `dropped` and `expired` as it was.

  Nothing happens in it but that it is read: no node hears of it, it is not traced, it forgets nothing. Notes
  can be added, and it can be saved again with them; the file itself is never changed.

  ## What is in the file

  The events that match, whole: ids, stamps, what messages belong together, as they were. No other event
  is in it, nor a name that only another event has. Beside them, kept apart from answers, stands what explains
  them: `:gap` events of the same nodes and time, which say how many events were lost; marks that say whose
  correlation ids they have; of calls that began ids, that there was such a call, without what was called;
  which traces they belong to; and of a message of which one half matches the other one, without what it
  carried. The file can be read by its owner alone (mode 600).

  ## A file from somewhere

  Opening a file runs nothing of it, makes no file and only a bounded number of atoms (see
  `ElixirScope.Distributed.Event`), and takes memory and time by its size, not by what it says. Links, pipes and
  devices are not opened. Every part has a checksum; a file that was cut, as by a full disk, is refused, unless
  `salvage: true` takes what is whole: all of its nodes are `missing` then, with the reason
  `{:distributed_exit, :cut}`. A checksum shows damage, not malice: who wrote a file may have written anything.

  What is returned by `ElixirScope.Distributed.save/3`:

    * `path` - the file, `bytes` - how large it is, up to its end marker;
    * `events` - how many match, `beside` - how many explain them, `messages` - how many messages, or pairs of
      them, of which the other half is known;
    * `nodes`, `missing`, `dropped`, `expired` - as in `ElixirScope.Distributed.Query.Result`.
  """

  alias ElixirScope.Distributed.{Error, Options, Query, Scope}
  alias ElixirScope.Distributed.Recording.{Save, Tree}

  # Opening files makes no atoms: who opens more at once gives them names.
  @names ~w(recording_1 recording_2 recording_3 recording_4 recording_5 recording_6 recording_7
            recording_8 recording_9 recording_10 recording_11 recording_12 recording_13 recording_14
            recording_15 recording_16)a

  @enforce_keys [:path]
  defstruct [:path, events: 0, beside: 0, messages: 0, bytes: 0] ++
              [nodes: [], missing: %{}, dropped: 0, expired: 0]

  @type t :: %__MODULE__{
          path: Path.t(),
          events: non_neg_integer,
          beside: non_neg_integer,
          messages: non_neg_integer,
          bytes: non_neg_integer,
          nodes: [node],
          missing: %{node => term},
          dropped: non_neg_integer,
          expired: non_neg_integer
        }

  @doc false
  @spec save(Path.t(), keyword | map, keyword) :: {:ok, t} | Query.failure()
  def save(path, filters, options) do
    with {:ok, path} <- path(path),
         {:ok, filters} <- list(filters),
         {:ok, options} <- checked(:save, filters ++ options),
         do: Save.run(path, options)
  end

  @doc false
  @spec open(Path.t(), keyword) :: {:ok, atom} | {:error, Error.t()}
  def open(path, options) do
    with {:ok, path} <- path(path),
         {:ok, options} <- checked(:open, options),
         do: open_as(options[:name], path, options[:salvage])
  end

  @doc false
  @spec close(atom) :: :ok | {:error, Error.t()}
  def close(name) do
    case Scope.fetch(name) do
      {:ok, %{recording: nil}} -> {:error, Error.new(:no_recording, recording: name)}
      {:ok, _recording} -> Scope.stop(name)
      not_running -> not_running
    end
  end

  defp checked(entry, options) do
    case Options.validate(entry, options) do
      {:ok, options} -> {:ok, options}
      {:error, message} -> {:error, Error.new(:bad_option, message: message)}
    end
  end

  defp list(filters) when is_list(filters), do: {:ok, filters}
  defp list(filters) when is_map(filters), do: {:ok, Map.to_list(filters)}

  defp list(other) do
    message = "expected a keyword list or a map of filters, got: #{inspect(other)}"
    {:error, Error.new(:bad_option, message: message)}
  end

  # What the file system takes for a name: it ends at a zero.
  defp path(path) when is_binary(path) and path != "" do
    if String.contains?(path, <<0>>), do: bad_path(path), else: {:ok, path}
  end

  defp path(path), do: bad_path(path)

  defp bad_path(path) do
    message = "expected the path of a file, a string, got: #{inspect(path)}"
    {:error, Error.new(:bad_option, message: message)}
  end

  defp open_as(nil, path, salvage) do
    free = for name <- @names, match?({:error, _free}, Scope.fetch(name)), do: name
    open_first(free, path, salvage)
  end

  defp open_as(name, path, salvage) do
    with {:ok, _scope} <- Scope.fetch(name) do
      {:error, Error.new(:scope_taken, recording: name)}
    else
      {:error, _free} -> started(name, Tree.start(name, path, salvage))
    end
  end

  defp open_first([], _path, _salvage),
    do: {:error, Error.new(:no_name, recording: length(@names))}

  # Somebody else may be opening one just now.
  defp open_first([name | others], path, salvage) do
    with {:error, %Error{reason: :scope_taken}} <- Tree.start(name, path, salvage),
         do: open_first(others, path, salvage),
         else: (outcome -> started(name, outcome))
  end

  defp started(name, {:ok, _pid}), do: {:ok, name}
  defp started(_name, failure), do: failure
end
