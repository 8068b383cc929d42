# What the documentation shows is run.
alias ElixirScope.Distributed.Storage

{:docs_v1, _, _, _, %{"en" => storage}, _, _} = Code.fetch_docs(Storage)

for {text, module} <- [
      {storage, "MyApp.SmallStore"},
      {File.read!("guides/plugging_in.md"), "MyApp.AtNight"}
    ] do
  [_before, code] = String.split(text, "    defmodule " <> module, parts: 2)
  [code, _behind] = String.split(code, "\n    end\n", parts: 2)
  Code.compile_string("defmodule " <> module <> code <> "\nend")
end

defmodule ElixirScope.Distributed.Storage.ExampleTest do
  use ExUnit.Case, async: true
  use ElixirScope.Distributed.Case.StorageContract, storage: MyApp.SmallStore
end

defmodule ElixirScope.Distributed.Storage.GuideTest do
  use ExUnit.Case, async: true

  use ElixirScope.Distributed.Case.SynchronizerContract,
    synchronizer: MyApp.AtNight,
    brings?: false
end
