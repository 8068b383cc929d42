/* A tracer that does nothing: what the VM itself takes for a trace point. Only for bench/trace.exs. */
#include <erl_nif.h>

static ERL_NIF_TERM yes;

static ERL_NIF_TERM enabled(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) { return yes; }
static ERL_NIF_TERM trace(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) { return yes; }

static ErlNifFunc functions[] = {{"enabled", 3, enabled}, {"trace", 5, trace}};

static int load(ErlNifEnv *env, void **data, ERL_NIF_TERM info) {
  yes = enif_make_atom(env, "trace");
  return 0;
}

ERL_NIF_INIT(Elixir.Bench.Noop, functions, load, NULL, NULL, NULL)
