defmodule ElixirScope.Distributed.ConfigTest do
  use ExUnit.Case, async: false

  alias ElixirScope.Distributed.Config
  doctest Config

  @app :elixir_scope_distributed

  defp with_env(key, value) do
    before = Application.fetch_env(@app, key)
    Application.put_env(@app, key, value)

    on_exit(fn ->
      case before do
        {:ok, value} -> Application.put_env(@app, key, value)
        :error -> Application.delete_env(@app, key)
      end
    end)
  end

  test "a wrong value raises at start and names the application" do
    with_env(:flush_ms, "fast")

    assert_raise ArgumentError,
                 ~s(config :elixir_scope_distributed: expected :flush_ms to be a positive integer, got: "fast"),
                 &Config.read!/0
  end

  test "a wrong key raises at start and says what was meant" do
    with_env(:sync_interval, 5)

    assert_raise ArgumentError,
                 ~r/unknown option :sync_interval, did you mean :sync_interval_ms\?/,
                 &Config.read!/0
  end
end
