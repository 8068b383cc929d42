# Nearly everything runs by default, tests on real nodes (:cluster) and slow ones (:slow)
# too: `mix test --exclude slow`. What builds the whole library once more, in one of many ways, is
# :long: scripts/long and `mix test --include long`. The first test that starts a node also starts the
# run's epmd; without such a test there is none. Tests of two versions of Erlang
# (:other_otp) run where SCOPE_OTHER_OTP says how to start the other one, those of other people's
# readers (:readers) and editors (:npm) where scripts/readers brought them in.
#
# As many modules at a time as there are schedulers: a module that is at work has nodes of its own.
ElixirScope.Distributed.SharedCode.on_path!()

ExUnit.start(
  assert_receive_timeout: 2_000,
  max_cases: System.schedulers_online(),
  exclude:
    if(System.get_env("SCOPE_LONG"), do: [], else: [:long]) ++
      if(ElixirScope.Distributed.OtherOtp.there?(), do: [], else: [:other_otp]) ++
      ElixirScope.Distributed.Readers.excluded() ++ ElixirScope.Distributed.Editors.excluded()
)
