defmodule ElixirScope.Distributed.Golden do
  # What a view wrote once and somebody looked at, in a file. SCOPE_GOLDEN=write writes it anew: look at
  # the difference before it is committed.

  import ExUnit.Assertions

  @folder Path.expand("../fixtures/views", __DIR__)

  @doc "Asserts that these lines are those of the file."
  def assert_golden(name, lines) do
    path = Path.join(@folder, name)
    text = lines |> Enum.map(&[&1, ?\n]) |> IO.iodata_to_binary()

    if System.get_env("SCOPE_GOLDEN") == "write" do
      File.mkdir_p!(@folder)
      File.write!(path, text)
    end

    assert text == File.read!(path), "not as in #{Path.relative_to_cwd(path)}:\n#{text}"
  end
end
