defmodule ElixirScope.Distributed.Recording.Core do
  @moduledoc false
  # Recordings in the native core: what is found goes into a file without becoming terms, and a file
  # becomes a store. What goes wrong there is of a closed list, and becomes an error here.

  alias ElixirScope.Distributed.{Error, Native, Query.Page, Storages}

  @typedoc "A recording that is being written."
  @type writer :: reference

  @typedoc "What somebody looked for to explain what is in it; see `Recording.Beside`."
  @type what :: :gaps | :names | :entries | :calls | :last | :traces | :notes | :halves

  @doc "Begins a file; nothing is at its path before it is finished."
  @spec begin(Path.t(), boolean, map) :: {:ok, writer} | {:error, Error.t()}
  def begin(path, overwrite, about),
    do: told(Native.recording_begin(path, overwrite, about), path)

  @doc "Adds what was found."
  @spec put(writer, Page.found(), Path.t()) :: :ok | {:error, Error.t()}
  def put(writer, found, path), do: done(Native.recording_put(writer, found), path)

  @doc "Adds of what was found that which explains the rest."
  @spec beside(writer, Page.found(), what, Path.t()) :: :ok | {:error, Error.t()}
  def beside(writer, found, what, path),
    do: done(Native.recording_beside(writer, found, what), path)

  @doc "Adds what a reading says of the messages among what was found."
  @spec pairs(writer, Page.found(), reference, Path.t()) :: :ok | {:error, Error.t()}
  def pairs(writer, found, pairs, path),
    do: done(Native.recording_pairs(writer, found, pairs), path)

  @doc "Keys of ids that nothing explains yet, so many at most; and whether there are sets of traces."
  @spec open_questions(writer, pos_integer) :: {[binary], boolean}
  def open_questions(writer, most), do: Native.recording_open_questions(writer, most)

  @doc "Numbers of the other halves of messages that are not in it, so many at most."
  @spec halves(writer, pos_integer) :: [tuple]
  def halves(writer, most), do: Native.recording_halves(writer, most)

  @doc "Puts the file in its place: how much is in it, and how many events were damaged."
  @spec finish(writer, map, Path.t()) :: {:ok, {map, non_neg_integer}} | {:error, Error.t()}
  def finish(writer, outcome, path), do: told(Native.recording_finish(writer, outcome), path)

  @doc "Nothing is left of it."
  @spec abandon(writer) :: boolean
  def abandon(writer), do: Native.recording_abandon(writer)

  @doc "Opens a file as the store of a scope."
  @spec open(map, Path.t(), boolean) ::
          {:ok, {Storages.Native.t(), non_neg_integer, map}} | {:error, Error.t()}
  def open(settings, path, salvage),
    do: told(Native.recording_open(settings, path, salvage), path)

  defp done(outcome, path), do: with({:ok, _nothing} <- told(outcome, path), do: :ok)

  defp told({:ok, outcome}, _path), do: {:ok, outcome}

  defp told({:error, {why, text}}, path),
    do: {:error, Error.new(why, recording: path, message: text)}
end
