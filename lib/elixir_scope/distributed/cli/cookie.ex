defmodule ElixirScope.Distributed.CLI.Cookie do
  @moduledoc false
  # Where the cookie comes from: a prompt that was asked for, the environment, the file that Erlang uses,
  # or a prompt. Never an argument: what a process was started with is shown to every user.

  alias ElixirScope.Distributed.CLI.{Failure, Terminal}

  # Ours, and the one that a release sets for what it starts.
  @variables ["SCOPE_COOKIE", "RELEASE_COOKIE"]

  @type t :: {:given, String.t()} | :file

  @doc "The cookie, or that Erlang itself finds it."
  @spec find(ask? :: boolean) :: {:ok, t} | {:error, Failure.t()}
  def find(true), do: ask()
  def find(false), do: from_environment() || from_file() || ask()

  defp from_environment do
    Enum.find_value(@variables, fn name ->
      case System.get_env(name, "") do
        "" -> nil
        cookie -> {:ok, {:given, cookie}}
      end
    end)
  end

  defp from_file, do: if(Enum.any?(files(), &File.exists?/1), do: {:ok, :file})

  defp files do
    {:ok, [[home] | _]} = :init.get_argument(:home)
    config = :filename.basedir(:user_config, "erlang")
    [Path.join(home, ".erlang.cookie"), Path.join(to_string(config), ".erlang.cookie")]
  end

  defp ask do
    case Terminal.secret("Cookie of the cluster: ") do
      {:ok, ""} -> none("no cookie was given")
      {:ok, cookie} -> {:ok, {:given, cookie}}
      {:error, :no_terminal} -> none(nowhere())
    end
  end

  defp nowhere do
    "there is no cookie in SCOPE_COOKIE and none in #{hd(files())}, and no terminal to ask for it"
  end

  defp none(message), do: {:error, Failure.new(:cookie, message)}
end
