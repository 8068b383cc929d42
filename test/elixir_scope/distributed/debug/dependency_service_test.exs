defmodule ElixirScope.Distributed.Debug.DependencyServiceTest do
  # The code that is asked about is of this run's own disk: nodes find it on their code path.
  use ElixirScope.Distributed.Case

  alias ElixirScope.Distributed.Debug.{DependencyService, Graph, Services, TracerStream}
  alias ElixirScope.Distributed.Debug.TracerStream.Held
  alias ElixirScope.Distributed.{Error, Sources}

  @shop """
  defmodule DependShop do
    def sell(cart) do
      DependShop.Cart.total(cart)
    end

    def close(cart), do: DependShop.Printer.print(cart)
    def each(carts), do: Enum.map(carts, &DependShop.Tax.of/1)
    def any(module), do: apply(DependShop.Chosen, module, [])
    def show(price), do: DependShop.Priced.price(price)
  end

  defmodule DependShop.Cart do
    def total(cart), do: DependShop.Tax.of(length(cart))
    def never(cart), do: DependShop.Printer.print(cart)
  end

  defmodule DependShop.Tax do
    def of(price), do: :crypto.hash(:md5, <<price>>)
  end

  defmodule DependShop.Printer do
    def print(cart), do: IO.inspect(cart)
  end

  defmodule DependShop.Chosen do
    def one, do: DependShop.Tax.of(1)
  end

  defmodule DependShop.Native do
    def load, do: :erlang.load_nif('none', 0)
    def price, do: DependShop.sell([])
  end

  defprotocol DependShop.Priced do
    def price(one)
  end

  defimpl DependShop.Priced, for: Integer do
    def price(one), do: DependShop.Chosen.one() <> <<one>>
  end
  """

  setup do
    folder = Sources.project!()
    {:ok, folder: folder, source: Sources.compile!(folder, "lib/depend_shop.ex", @shop)}
  end

  describe "on the node that knows the code" do
    test "a line is answered by what the function there can reach", %{source: file} do
      assert {:ok, result} = DependencyService.get_breakpoint_dependencies(file, 3)
      assert result.target_module == DependShop
      assert %{function: :sell, arity: 1, line: 3} = result.at
      assert result.interpretation_candidates == [DependShop, DependShop.Cart, DependShop.Tax]
      assert {DependShop.Printer, :not_reached} in result.left_out

      assert Enum.any?(
               result.left_out,
               &match?({:crypto, reason} when reason != :not_reached, &1)
             )

      assert result.source == :local
      assert {_epoch, _version} = result.version
      assert reaches(file, 7) == [DependShop, DependShop.Tax]
      assert reaches(file, 8) == [DependShop, DependShop.Chosen, DependShop.Tax]

      assert reaches(file, 9) ==
               Enum.sort([
                 DependShop,
                 DependShop.Chosen,
                 DependShop.Priced,
                 DependShop.Priced.Integer,
                 DependShop.Tax
               ])
    end

    defp reaches(file, line) do
      {:ok, result} = DependencyService.get_breakpoint_dependencies(file, line)
      Enum.sort(result.interpretation_candidates)
    end

    test "strategies take more and say what the narrower ones leave out", %{source: file} do
      assert {:ok, minimal} = DependencyService.get_module_dependencies(DependShop.Cart)
      assert minimal.strategy == :minimal
      assert minimal.direct_dependencies -- [:erlang] == [DependShop.Printer, DependShop.Tax]
      assert minimal.reverse_dependencies == [DependShop]

      assert minimal.interpretation_candidates ==
               [DependShop.Cart, DependShop.Printer, DependShop.Tax]

      assert {:ok, both} =
               DependencyService.get_module_dependencies(DependShop.Cart, strategy: :conservative)

      assert both.interpretation_candidates == [DependShop | minimal.interpretation_candidates]

      assert {:ok, %{interpretation_candidates: far}} =
               DependencyService.get_breakpoint_dependencies(file, 3, strategy: :transitive)

      assert DependShop.Printer in far
      assert {:ok, near} = DependencyService.get_module_dependencies(DependShop.Native)
      assert {DependShop.Cart, :farther} in near.left_out
    end

    test "nothing is a candidate that cannot be interpreted", %{source: file} do
      assert {:ok, result} = DependencyService.get_module_dependencies(DependShop.Native)
      assert result.interpretation_candidates == [DependShop]
      assert {DependShop.Native, :nif} in result.left_out
      assert {:erlang, :kernel} in result.left_out
      assert {:ok, lists} = DependencyService.get_module_dependencies(Keyword)
      assert Keyword in lists.interpretation_candidates
      assert {:lists, :sticky} in lists.left_out
      assert {:ok, own} = DependencyService.get_module_dependencies(DependencyService)
      assert own.interpretation_candidates == []
      assert {DependencyService, :this_library} in own.left_out
      Sources.compile!(Path.dirname(Path.dirname(file)), "lib/bare.ex", bare(), debug_info: false)
      assert {:ok, result} = DependencyService.get_module_dependencies(DependShop.Bare)
      assert {DependShop.Bare, :no_debug_info} in result.left_out
    end

    defp bare, do: "defmodule DependShop.Bare do\n  def f, do: DependShop.Cart.total([])\nend"

    test "everything else is asked for", %{} do
      assert {:ok, %{direct_dependencies: direct}} = DependencyService.direct(DependShop.Chosen)
      assert direct -- [:erlang] == [DependShop.Tax]
      assert {:ok, %{reverse_dependencies: reverse}} = DependencyService.reverse(DependShop.Tax)
      assert reverse == [DependShop, DependShop.Cart, DependShop.Chosen]

      assert {:ok, %{transitive_dependencies: [near]}} =
               DependencyService.transitive(DependShop, 1)

      assert DependShop.Cart in near
      assert {:ok, %{path: path}} = DependencyService.why(DependShop.Native, DependShop.Printer)
      assert path == [DependShop.Native, DependShop, DependShop.Printer]

      assert {:ok, %{affected: %{reached: reached}}} =
               DependencyService.affected_by(DependShop.Tax)

      assert DependShop.Native in reached
      assert {:ok, %{cycles: cycles}} = DependencyService.cycles()
      refute Enum.any?(cycles, &(DependShop.Tax in &1))
      assert {:ok, %TracerStream.Snapshot{}} = DependencyService.get_cached_dependency_graph()
    end

    test "what was compiled again is answered anew, whoever compiled it", %{folder: folder} do
      assert {:ok, %{version: {epoch, before}}} = DependencyService.direct(DependShop.Cart)
      changed = String.replace(@shop, "DependShop.Tax.of(length(cart))", "length(cart)")
      Sources.compile!(folder, "lib/depend_shop.ex", changed)
      assert {:ok, result} = DependencyService.direct(DependShop.Cart)
      assert result.direct_dependencies -- [:erlang] == [DependShop.Printer]
      assert {^epoch, later} = result.version
      assert later > before
    end

    test "lines that moved are another version, though the md5 is the same", context do
      %{folder: folder, source: file} = context
      assert {:ok, before} = DependencyService.get_breakpoint_dependencies(file, 3)
      Sources.compile!(folder, "lib/depend_shop.ex", "\n" <> @shop)
      assert {:ok, later} = DependencyService.get_breakpoint_dependencies(file, 4)
      assert %{function: :sell, line: 4} = later.at
      assert later.at.md5 == before.at.md5
      assert later.version > before.version
      {:ok, snapshot} = TracerStream.get_trace()
      {:ok, graph} = Graph.from_bytes(snapshot.graph)
      {_, _, entries} = Enum.find(Graph.list(graph), &(elem(&1, 0) == DependShop))
      assert {DependShop.Cart, :runtime, [{^file, 4}]} = List.keyfind(entries, DependShop.Cart, 0)
    end

    test "what was seen at run time counts", %{source: file} do
      on_exit(fn -> TracerStream.remove([DependShop.Tax]) end)
      {:ok, _} = TracerStream.observed([{DependShop.Tax, [{DependShop.Printer, :observed, []}]}])
      assert DependShop.Printer in reaches(file, 3)
    end

    test "what is wrong says why", %{source: file} do
      assert {:error, %Error{reason: :unknown_module}} = DependencyService.direct(No.Such)

      assert {:error, %Error{reason: :unknown_module}} =
               DependencyService.why(DependShop, No.Such)

      assert {:error, %Error{reason: :unknown_file}} =
               DependencyService.get_breakpoint_dependencies("no/such.ex", 1)

      assert {:error, %Error{reason: :no_code_on_line}} =
               DependencyService.get_breakpoint_dependencies(file, 5)

      assert {:error, %Error{reason: :bad_options}} =
               DependencyService.get_module_dependencies(DependShop, strategy: :all)

      assert {:error, %Error{reason: :bad_options} = error} =
               DependencyService.get_module_dependencies(DependShop, startegy: :minimal)

      assert Exception.message(error) =~ "did you mean :strategy?"
    end
  end

  describe "between nodes" do
    setup do
      [language, asking] = start_nodes([:language, :asking], capture: false)
      :ok = on(language, fn -> Services.register_language_server_services() end)
      options = [language_server_node: language, cache_size: 3, timeout_ms: 20_000]
      {:ok, language: language, asking: asking, options: options}
    end

    test "answers of before serve, marked, while the node is gone, as far as they hold",
         context do
      %{language: language, asking: asking, options: options} = context
      service = start_service(asking, options)
      follower = on(asking, fn -> follow(language) end)

      for module <- [DependShop.Chosen, DependShop.Cart, DependShop.Printer] do
        assert {:ok, %{source: :service, node: ^language}} = direct(asking, module)
      end

      # A change of one module ends the answers that rest on it.
      entries = [{DependShop.Cart, :runtime, [{"lib/depend_shop.ex", 30}]}]
      {:ok, position} = on(language, TracerStream, :put, [DependShop.Chosen, <<1>>, entries])
      eventually(fn -> assert on(asking, DependencyService, :status, []).version == position end)
      assert %{cache_size: 2, cache_limit: 3} = on(asking, DependencyService, :status, [])
      eventually(fn -> assert held(asking, follower).version == elem(position, 1) end)
      chosen = on(asking, fn -> Graph.direct(held(follower).graph, DependShop.Chosen) end)
      assert chosen == {:ok, [{DependShop.Cart, [:runtime]}]}
      {:ok, answer} = direct(asking, DependShop.Printer)

      kill(language)

      assert {:ok, %{source: :cache, version: ^position} = kept} =
               direct(asking, DependShop.Printer)

      assert %{kept | source: nil} == %{answer | source: nil}

      # What is not kept is found where the code is, and says so; else it is the other node's absence.
      assert {:ok, %{source: :local, node: ^asking}} = direct(asking, DependShop.Chosen)
      assert {:error, {:connection_failed, ^language}} = direct(asking, No.Such)

      restart(language)
      connect([language, asking])
      :ok = on(language, fn -> Services.register_language_server_services() end)

      eventually(
        fn ->
          assert {:ok, %{source: :service, version: {epoch, _}}} =
                   direct(asking, DependShop.Chosen)

          assert epoch > elem(position, 0)
          assert held(asking, follower).epoch == epoch
        end,
        within: 20_000
      )

      # What was only put there ended with it.
      chosen = on(asking, fn -> Graph.direct(held(follower).graph, DependShop.Chosen) end)
      assert {:ok, [{DependShop.Tax, [:runtime]} | _erlang]} = chosen
      assert on(asking, fn -> Process.alive?(service) end)
    end

    defp direct(node, module), do: on(node, DependencyService, :direct, [module])
    defp held(node, follower), do: on(node, fn -> held(follower) end)

    defp held(follower) do
      send(follower, {:held, self()})
      receive do: ({:held, held} -> held)
    end

    defp follow(language) do
      spawn(fn ->
        {:ok, _subscription} = TracerStream.subscribe_to_tracer_updates(node: language)
        following(nil)
      end)
    end

    defp following(held) do
      receive do
        {:held, asking} ->
          send(asking, {:held, held})
          following(held)

        update ->
          {:ok, held} = Held.follow(held, update)
          following(held)
      end
    end

    test "a question has a deadline, and what stands still delays no other", context do
      %{language: language, asking: asking, options: options} = context
      start_service(asking, options)
      assert {:ok, %{source: :service}} = direct(asking, DependShop.Cart)
      {:ok, snapshot} = on(asking, fn -> DependencyService.get_cached_dependency_graph() end)
      assert snapshot.node == language
      {:ok, graph} = Graph.from_bytes(snapshot.graph)

      assert {:ok, [{DependShop.Tax, [:runtime]} | _erlang]} =
               Graph.direct(graph, DependShop.Chosen)

      stream = on(language, fn -> suspended() end)
      asked = [DependShop.Cart, [node: language, timeout_ms: 5_000]]

      # Nothing of the stream is needed but what it published.
      assert {:ok, %{source: :service}} =
               on(asking, DependencyService, :get_module_dependencies, asked)

      # A module that it has not read yet is: nobody waits for that longer than allowed.
      late = [Keyword, [node: language, timeout_ms: 100]]

      assert {:ok, %{source: :local}} =
               on(asking, DependencyService, :get_module_dependencies, late)

      assert {:error, %Error{reason: :too_late}} =
               on(asking, Services, :call, [
                 :dependency_analysis,
                 :direct,
                 [Keyword],
                 [node: language, timeout_ms: 100, retries: 0, fallback: false]
               ])

      on(language, fn -> :sys.resume(stream) end)
    end

    defp suspended do
      stream = Process.whereis(TracerStream)
      :ok = :sys.suspend(stream)
      stream
    end
  end

  defp start_service(node, options) do
    on(node, fn ->
      {:ok, pid} = DependencyService.start_link(options)
      Process.unlink(pid)
      pid
    end)
  end
end
