defmodule ElixirScope.Distributed.Inject.RefusalsTest do
  # Why nothing is done: what can be done instead comes first.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.Inject.{Refusals, Survey}

  @fine %Survey{
    node: :a@b,
    otp: 27,
    library?: false,
    elixir?: false,
    allow: nil,
    sessions?: true,
    traced: 0,
    taken: [],
    memory: 100,
    available: 1_000,
    limits: %{memory: 200, available: 10}
  }

  # In order: each is worse than what stands behind it.
  @wrong [
    library_there: %{library?: true},
    already_injected: %{taken: [{X, :same}, {Y, :same}]},
    other_tracer: %{traced: 3},
    module_taken: %{taken: [{X, :same}, {Y, :other}]},
    otp_older: %{otp: 26},
    short_of_memory: %{memory: 200},
    inject_not_allowed: %{allow: [:trace]}
  ]

  test "nothing speaks against a node that is fine" do
    assert Refusals.check(@fine, 27) == :ok
    assert Refusals.check(%{@fine | otp: 29, allow: [:trace, :inject]}, 27) == :ok
    assert Refusals.check(%{@fine | available: nil, limits: %{memory: :infinity}}, 25) == :ok
  end

  test "each is refused, and the first of several is named" do
    for {{reason, wrong}, index} <- Enum.with_index(@wrong) do
      assert {:error, %{reason: ^reason} = error} = Refusals.check(Map.merge(@fine, wrong), 27)
      assert Exception.message(error) =~ ~r/a@b|3 processes/

      behind =
        for {_reason, more} <- Enum.drop(@wrong, index + 1),
            reduce: @fine,
            do: (all -> Map.merge(more, all) |> Map.merge(more))

      all = Map.merge(behind, wrong)
      assert {:error, %{reason: ^reason}} = Refusals.check(all, 27)
    end
  end

  test "less of the machine's memory than is to be left, and an OTP that is too old" do
    assert {:error, %{reason: :short_of_memory}} = Refusals.check(%{@fine | available: 9}, 27)
    assert {:error, %{reason: :otp_too_old}} = Refusals.check(%{@fine | otp: 24}, 24)

    assert {:error, %{reason: :inject_not_allowed}} =
             Refusals.check(%{@fine | allow: {:unreadable, 1}}, 25)
  end
end
