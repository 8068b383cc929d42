defmodule ElixirScope.Distributed.Debug.ServicesTest do
  # A language node, a target node, and those who ask them.
  use ElixirScope.Distributed.Case, async: true

  alias ElixirScope.Distributed.Debug.Services
  alias ElixirScope.Distributed.Error

  @debug [elixir_scope_distributed: [allow: [:record, :query, :trace, :debug]]]

  describe "a language node and a target node" do
    setup do
      [language] = start_nodes([:language], capture: false)
      [target] = start_nodes([:target], capture: false, config: @debug)
      connect([language, target])
      :ok = on(language, fn -> Services.register_language_server_services() end)
      {:ok, language: language, target: target}
    end

    test "find one another, and both ask", %{language: language, target: target} do
      eventually(fn ->
        assert {:ok, pid} = on(target, fn -> Services.find_service(:workspace_analysis) end)
        assert node(pid) == language
      end)

      eventually(fn ->
        assert {:ok, pid} =
                 on(language, fn -> Services.find_service({:process_monitoring, target}) end)

        assert node(pid) == target
      end)

      assert {:error, :service_not_found} =
               on(language, fn -> Services.find_service({:process_monitoring, language}) end)

      assert {:error, :not_a_service_operation} =
               on(target, fn ->
                 Services.call(:workspace_analysis, :apply, [Kernel, :node, []])
               end)
    end

    test "what needs :debug is refused where the target does not allow it", context do
      %{language: language, target: target} = context

      assert {:error, %Error{reason: :not_allowed, details: %{what: :debug, node: ^language}}} =
               on(target, fn ->
                 Services.call(:process_monitoring, :stopped, [], node: language)
               end)

      assert {:error, %Error{reason: :not_allowed, details: %{what: :debug}}} =
               on(language, fn -> Services.register_debug_adapter_services() end)
    end
  end
end
