import assert from "node:assert/strict";
import test from "node:test";
import { answer, mapperPort, question } from "../src/epmd";
import { newCookie, nodeName, projectName, unique } from "../src/names";

test("a project's part of a name holds nothing that Erlang or a shell would read", () => {
  for (const [folder, name] of [
    ["/home/me/My Shop.2", "my_shop_2"],
    ["/", "project"],
    ["/srv/$(rm -rf)", "rm_rf"],
    ["/srv/日本", "project"],
    [`/srv/${"x".repeat(300)}`, "x".repeat(40)],
  ] as const) {
    assert.equal(projectName(folder), name);
    assert.match(nodeName("language", folder, unique()), /^[a-z0-9_-]+@127\.0\.0\.1$/);
  }
});

test("names and cookies are not made twice", () => {
  const several = Array.from({ length: 1_000 }, () => [newCookie(), unique()]).flat();
  assert.equal(new Set(several).size, several.length);
  assert.match(newCookie(), /^[0-9a-f]{48}$/);
});

test("the port mapper is asked by its protocol", () => {
  assert.deepEqual(question("a"), Buffer.from([0, 2, 122, 97]));
  assert.equal(answer(Buffer.from([119, 0, 1, 2, 77])), 258);
  assert.equal(answer(Buffer.from([119, 1])), undefined);
  assert.equal(answer(Buffer.from([])), undefined);
  assert.equal(answer(Buffer.from([118, 0, 1, 2])), undefined);
  assert.equal(mapperPort({}), 4369);
  assert.equal(mapperPort({ ERL_EPMD_PORT: "4708" }), 4708);
  assert.equal(mapperPort({ ERL_EPMD_PORT: "x" }), 4369);
});
