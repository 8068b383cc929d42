defmodule ElixirScope.Distributed.Capture.PostTest do
  use ExUnit.Case

  alias ElixirScope.Distributed, as: Facade
  alias ElixirScope.Distributed.Capture.Post
  alias ElixirScope.Distributed.{Error, Scope}

  setup context do
    start_supervised!({Facade, name: context.test})
    {:ok, scope} = Scope.fetch(context.test)
    {:ok, scope: scope, ref: make_ref()}
  end

  test "what was done is answered", %{scope: scope, ref: ref} do
    :ok = Post.work(scope, :asked, ref, :armed, fn -> {:ok, 7} end)
    assert_receive {:done, :asked, :armed, [ref: ^ref, result: 7]}
  end

  test "what was refused is, too", %{scope: scope, ref: ref} do
    :ok = Post.work(scope, :asked, ref, :armed, fn -> {:error, :why} end)
    assert_receive {:done, :asked, :refused, [ref: ^ref, result: :why]}
  end

  test "what failed is answered as soon as it did", %{scope: scope, ref: ref} do
    for fail <- [fn -> raise "no" end, fn -> throw(:no) end, fn -> exit(:no) end] do
      :ok = Post.work(scope, :asked, ref, :armed, fail)
      assert_receive {:done, :asked, :refused, [ref: ^ref, result: %Error{} = error]}
      assert error.reason == :worker_failed
      assert Exception.message(error) =~ "failed: "
    end
  end
end
