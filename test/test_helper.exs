# Everything runs by default, tests on real nodes (:cluster) and long ones (:slow)
# too: `mix test --exclude slow`. The first test that starts a node also starts the
# run's epmd; without such a test there is none.
ExUnit.start(assert_receive_timeout: 2_000)
