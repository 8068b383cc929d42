import assert from "node:assert/strict";
import test from "node:test";
import { modules, modulesAt, question } from "../src/dependencies";

const TEXT = `# defmodule Not.This do
defmodule Shop.Cart do
  alias Shop.{Item, Price}
  alias Shop.Store.Disk, as: Store
  # Shop.Secret.call()
  use GenServer

  defmodule Line do
    defstruct [:item]
    def total(line), do: Price.of(line.item)
  end

  def add(cart, item) do
    Store.put(cart, %Line{item: item})
    Enum.count(cart)
  end
end

defimpl String.Chars, for: Shop.Cart do
  def to_string(cart), do: Shop.Text.of(cart)
end
`;

test("modules of a file have their whole names and lines", () => {
  assert.deepEqual(
    modules(TEXT).map(({ name, line, end }) => [name, line, end]),
    [
      ["Shop.Cart", 2, 17],
      ["Shop.Cart.Line", 8, 11],
      ["String.Chars.Shop.Cart", 19, 21],
    ],
  );
});

test("the modules around a line come first, then what they name", () => {
  assert.deepEqual(modulesAt(TEXT, 10).slice(0, 2), ["Shop.Cart.Line", "Shop.Cart"]);
  const all = modulesAt(TEXT, 13);
  assert.equal(all[0], "Shop.Cart");
  for (const name of ["Shop.Item", "Shop.Price", "Shop.Store.Disk"]) assert.ok(all.includes(name), name);
  assert.ok(!all.includes("Shop.Secret"), "a comment names nothing");
  assert.ok(!all.includes("Store"), "an alias is resolved");
  assert.ok(!all.includes("Enum") && !all.includes("GenServer"), "what everybody uses stays as fast as it is");
  assert.deepEqual(modulesAt(TEXT, 20), ["String.Chars.Shop.Cart", "Shop.Text"]);
});

test("a line outside of modules, and a file without any, name nothing", () => {
  assert.deepEqual(modulesAt(TEXT, 18), []);
  assert.deepEqual(modulesAt("", 1), []);
  assert.deepEqual(modulesAt("defmodule Half do", 1), ["Half"]);
});

test("a body that is no question is not answered", () => {
  assert.deepEqual(question({ id: 1, file: "a.ex", line: 2, more: 3 }), { id: 1, file: "a.ex", line: 2 });
  for (const body of [undefined, null, 1, {}, { id: "1", file: "a", line: 1 }]) assert.equal(question(body), undefined);
});
