defmodule ElixirScope.Distributed.Export.Failure do
  @moduledoc false
  # Why there is no export: a closed list, each with what to do.

  alias ElixirScope.Distributed.Error

  def unknown_format(format, formats) do
    list = Enum.map_join(formats, ", ", &inspect/1)

    Error.new(:unknown_format,
      format: format,
      message: "there is no format #{inspect(format)}; there are #{list}"
    )
  end

  def no_parquet do
    Error.new(:no_parquet,
      message:
        "the native library was built without Parquet: ELIXIR_SCOPE_FEATURES=parquet mix compile --force, " <>
          "in a checkout or (mix deps.compile --force) as a dependency, builds it with"
    )
  end

  def bad_target(target) do
    Error.new(:bad_target,
      message:
        "an export goes to a path, a device or something collectable, not to #{inspect(target)}"
    )
  end

  def not_writable(path, reason) do
    Error.new(:not_writable,
      path: path,
      reason: reason,
      message: "#{path} cannot be written: #{why(reason)}"
    )
  end

  def bad_url(nil) do
    Error.new(:bad_url,
      message: "say where the collector is: url: \"https://collector:4318/v1/traces\""
    )
  end

  def bad_url(url), do: Error.new(:bad_url, message: "#{inspect(url)} is no http or https URL")

  def refused(url, reason, sent) do
    Error.new(:not_taken,
      url: url,
      reason: reason,
      sent: sent,
      message: "#{url} took #{sent} batches, and not the next one: #{inspect(reason)}"
    )
  end

  def too_many_processes(count, limit) do
    Error.new(:too_many_processes,
      message:
        "#{count} processes, and this format has room for #{limit}: name some of them (pids:), or less time"
    )
  end

  def not_written(reason), do: Error.new(:not_written, message: "nothing was written: #{reason}")

  def not_readable(path),
    do: Error.new(:not_readable, path: path, message: "there is no file #{path}")

  def no_authorities do
    Error.new(:no_authorities,
      message:
        "this system names no authorities to trust: name a file of them (cacertfile: \"…/ca.pem\")"
    )
  end

  def no_client(application, reason) do
    Error.new(:no_client,
      message:
        "#{inspect(application)} of Erlang/OTP, which sends over HTTP, does not start: #{inspect(reason)}; " <>
          "name it in :extra_applications, so that a release has it"
    )
  end

  defp why(reason) when is_atom(reason), do: :file.format_error(reason)
  defp why(text), do: text
end
