defmodule ElixirScope.Distributed.Capture.Governor.Budgets do
  @moduledoc false
  # What a trace may use on each node. There is no trace without all of these numbers: a
  # profile has each, and the options of a trace replace the ones that are given.

  alias ElixirScope.Distributed.Error

  @mib 1024 * 1024
  @minute_ms 60_000

  # Calls of one process that wait for their return: more is a loop, not a program.
  @open_calls 10_000

  # A recorder forgets the oldest, so that its bytes are never used up. The events of the last
  # two are those of their rate and time.
  @profiles %{
    adhoc: %{
      events: 10_000,
      duration_ms: 15_000,
      bytes: 8 * @mib,
      events_per_s: 2_000,
      calls_per_s: 100_000,
      cpu_percent: 100,
      overwrite: false
    },
    recorder: %{
      events: 200_000 * 3_600,
      duration_ms: 60 * @minute_ms,
      bytes: 64 * @mib,
      events_per_s: 200_000,
      calls_per_s: 100_000,
      cpu_percent: 100,
      overwrite: true
    },
    production: %{
      events: 1_000 * 600,
      duration_ms: 10 * @minute_ms,
      bytes: 64 * @mib,
      events_per_s: 1_000,
      calls_per_s: 10_000,
      cpu_percent: 1,
      overwrite: false
    }
  }

  @numbers [:events, :duration_ms, :bytes, :events_per_s, :calls_per_s, :cpu_percent]

  @enforce_keys [:profile, :lease_ms, :overwrite, :open_calls | @numbers]
  defstruct @enforce_keys

  @typedoc """
  `cpu_percent` is of one scheduler. `calls_per_s` are those that a trace of slow calls has to look
  at; the other numbers count what is kept.
  """
  @type t :: %__MODULE__{
          profile: atom,
          events: pos_integer,
          duration_ms: pos_integer,
          bytes: pos_integer,
          events_per_s: pos_integer,
          calls_per_s: pos_integer,
          cpu_percent: pos_integer,
          lease_ms: pos_integer,
          overwrite: boolean,
          open_calls: pos_integer
        }

  @doc "The names of the profiles."
  @spec profiles() :: [atom]
  def profiles, do: [:adhoc, :recorder, :production]

  @doc "The numbers that a profile sets and an option of its name replaces."
  @spec numbers() :: [atom]
  def numbers, do: @numbers

  @doc "The budgets that checked options of a trace ask for."
  @spec new(keyword) :: {:ok, t} | {:error, Error.t()}
  def new(options) do
    case {options[:profile], options[:capture]} do
      {:production, :full} ->
        {:error, Error.new(:not_in_profile, profile: :production, option: [capture: :full])}

      {profile, _capture} ->
        with :ok <- meant(options), do: {:ok, budgets(profile, options)}
    end
  end

  @doc "Budgets from elsewhere: those that these checked options ask for, or what is left of them."
  @spec read(term, keyword) :: {:ok, t} | :error
  def read(%{__struct__: __MODULE__} = other, options) do
    with {:ok, asked} <- new(options),
         true <- Enum.sort(Map.keys(other)) == Enum.sort(Map.keys(asked)),
         true <- Map.drop(other, @numbers) == Map.drop(asked, @numbers),
         true <- Enum.all?(@numbers, &(Map.fetch!(other, &1) in 1..Map.fetch!(asked, &1)//1)),
         do: {:ok, other},
         else: (_wrong -> :error)
  end

  def read(_other, _options), do: :error

  # Who keeps every call looks at none in vain.
  defp meant(options) do
    if options[:calls_per_s] != nil and options[:only] == nil,
      do: {:error, Error.new(:needs_only, option: :calls_per_s)},
      else: :ok
  end

  defp budgets(profile, options) do
    given = for {key, value} when key in @numbers and value != nil <- options, do: {key, value}

    @profiles
    |> Map.fetch!(profile)
    |> Map.merge(%{profile: profile, lease_ms: options[:lease_ms], open_calls: @open_calls})
    |> Map.merge(Map.new(given))
    |> then(&struct!(__MODULE__, &1))
  end
end
