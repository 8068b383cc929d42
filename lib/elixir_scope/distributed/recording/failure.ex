defmodule ElixirScope.Distributed.Recording.Failure do
  @moduledoc false
  # What went wrong with a recording, in words: with the scope that it is, or with its file.

  @doc "The text of an error with that reason."
  @spec text(atom, map) :: String.t()
  def text(:recording, %{recording: scope}),
    do: "#{inspect(scope)} is a recording: it is read, and nothing happens in it"

  def text(:no_recording, %{recording: scope}),
    do: "#{inspect(scope)} is no recording; ElixirScope.Distributed.stop/1 ends a scope"

  def text(:scope_taken, %{recording: scope}),
    do: "a scope #{inspect(scope)} runs already: give the recording another name"

  def text(:no_name, %{recording: names}),
    do: "#{names} recordings are open without a name of their own: close one, or give `name:`"

  def text(:exists, %{recording: path}),
    do: "#{path}: there is such a file already; `overwrite: true` replaces it"

  def text(reason, %{recording: path, message: message}) when reason in [:cut, :damaged],
    do: "#{path}: #{message}; `salvage: true` opens what comes before"

  # The core says what is wrong.
  def text(_reason, %{recording: path, message: message}), do: "#{path}: #{message}"
end
