defmodule ElixirScope.Distributed.Export.Collector do
  @moduledoc false
  # Spans on their way to a collector: OTLP over HTTP, one document a request, with OTP's own client. A
  # request that was not answered, or whose answer says so, is sent again. Certificates are always verified.

  # Of applications that are started when something is sent, and only then.
  @compile {:no_warn_undefined, [:httpc, :public_key]}

  alias ElixirScope.Distributed.Causality
  alias ElixirScope.Distributed.Export.{Failure, Progress, Target, Trace, Written}

  # Answers after which the same request may succeed later, as OTLP has them.
  @again [429, 502, 503, 504]

  # The longest wait between two requests.
  @longest_ms 30_000

  # An answer of a collector is read so far, to be told.
  @answer_bytes 300

  @types %{protobuf: "application/x-protobuf", json: "application/json"}
  @formats %{protobuf: :otlp_protobuf, json: :otlp_json}

  @doc "Sends what a picture holds; `into` of what it came to is how many requests were taken."
  @spec send(Causality.t(), keyword) :: {:ok, Written.t()} | {:error, term}
  def send(picture, options) do
    with {:ok, url} <- url(options[:url]),
         {:ok, ssl} <- ssl(url, options[:cacertfile]),
         {:ok, _apps} <- started(url),
         {:ok, target} <- Target.open(:memory) do
      state = Trace.begin(picture, @formats[options[:encoding]], target, options)
      all(state, picture, url, options ++ [ssl: ssl])
    end
  end

  defp all(state, picture, url, options) do
    take = &post_part(&1, &2, url, options)

    with {:ok, state} <- Trace.steps(state, take) do
      Progress.done(state.progress)
      told = Map.take(picture.about, [:events, :nodes, :missing, :dropped, :expired, :more?])
      written = %Written{format: :otlp, into: sent(state.target), bytes: state.target.bytes}
      {:ok, struct!(written, told)}
    end
  end

  # How many requests were taken stands where otherwise what was written does.
  defp sent(%{state: []}), do: 0
  defp sent(%{state: sent}), do: sent

  defp post_part(target, "", _url, _options), do: {:ok, target}

  defp post_part(target, body, url, options) do
    with :ok <- post(url, body, options, sent(target), 0, options[:backoff_ms]),
         do: {:ok, %{target | state: sent(target) + 1, bytes: target.bytes + byte_size(body)}}
  end

  defp post(url, body, options, sent, tries, wait_ms) do
    case {request(url, body, options), tries < options[:retries]} do
      {:ok, _more_tries?} ->
        :ok

      {{:again, _reason, at_least_ms}, true} ->
        wait(min(max(wait_ms, at_least_ms), @longest_ms))
        post(url, body, options, sent, tries + 1, wait_ms * 2)

      {{:again, reason, _at_least_ms}, false} ->
        {:error, Failure.refused(url, reason, sent)}

      {{:error, reason}, _more_tries?} ->
        {:error, Failure.refused(url, reason, sent)}
    end
  end

  defp wait(ms) do
    receive do
    after
      ms -> :ok
    end
  end

  defp request(url, body, options) do
    type = String.to_charlist(@types[options[:encoding]])
    request = {String.to_charlist(url), headers(options[:headers]), type, body}
    timeout_ms = options[:request_timeout_ms]
    http = [timeout: timeout_ms, connect_timeout: timeout_ms, autoredirect: false]
    judge(client().request(:post, request, http ++ options[:ssl], body_format: :binary))
  end

  # A call by these names would make their applications dependencies.
  defp client, do: :httpc
  defp keys, do: :public_key

  defp headers(headers),
    do: for({name, value} <- headers, do: {String.to_charlist(name), String.to_charlist(value)})

  defp judge({:ok, {{_version, status, _phrase}, _headers, _body}}) when status in 200..299,
    do: :ok

  defp judge({:ok, {{_version, status, _phrase}, headers, body}}) when status in @again,
    do: {:again, {status, short(body)}, retry_after(headers)}

  defp judge({:ok, {{_version, status, _phrase}, _headers, body}}),
    do: {:error, {status, short(body)}}

  defp judge({:error, {:failed_connect, details}}), do: connected(List.keyfind(details, :inet, 0))
  defp judge({:error, reason}), do: {:again, reason, 0}

  # Who is not trusted now is not trusted later.
  defp connected({_inet, _options, {:tls_alert, alert}}), do: {:error, {:tls_alert, alert}}
  defp connected({_inet, _options, reason}), do: {:again, reason, 0}
  defp connected(_unknown), do: {:again, :failed_connect, 0}

  defp retry_after(headers) do
    with {_name, text} <- List.keyfind(headers, ~c"retry-after", 0),
         {seconds, ""} when seconds >= 0 <- Integer.parse(to_string(text)) do
      min(seconds * 1_000, @longest_ms)
    else
      _none -> 0
    end
  end

  defp short(body), do: body |> binary_part(0, min(byte_size(body), @answer_bytes)) |> printable()
  defp printable(text), do: if(String.valid?(text), do: text, else: inspect(text))

  defp url(url) do
    case url && URI.parse(url) do
      %URI{scheme: scheme, host: <<_, _::binary>>} when scheme in ["http", "https"] -> {:ok, url}
      _no_url -> {:error, Failure.bad_url(url)}
    end
  end

  # The applications of OTP that a release need not have.
  defp started("https" <> _), do: started([:inets, :ssl])
  defp started("http" <> _), do: started([:inets])

  defp started(applications) do
    case Enum.find_value(applications, &not_started/1) do
      nil -> {:ok, applications}
      {application, reason} -> {:error, Failure.no_client(application, reason)}
    end
  end

  defp not_started(application) do
    find(application)

    with {:error, reason} <- Application.ensure_all_started(application),
         do: {application, reason},
         else: (_ -> nil)
  end

  # Under Mix, Elixir 1.15 and later find only the applications that a project names.
  defp find(application) do
    if Code.ensure_loaded?(Mix) and function_exported?(Mix, :ensure_application!, 1),
      do: apply(Mix, :ensure_application!, [application])
  rescue
    # Not there: starting it says so.
    _no_application -> :ok
  end

  defp ssl("http:" <> _, _file), do: {:ok, []}

  defp ssl("https" <> _, file) do
    with {:ok, trusted} <- trusted(file) do
      match = [match_fun: keys().pkix_verify_hostname_match_fun(:https)]
      checked = [verify: :verify_peer, depth: 10, customize_hostname_check: match]
      {:ok, [ssl: checked ++ trusted]}
    end
  end

  defp trusted(nil) do
    {:ok, [cacerts: keys().cacerts_get()]}
  rescue
    _no_authorities -> {:error, Failure.no_authorities()}
  end

  defp trusted(file) do
    if File.regular?(file),
      do: {:ok, [cacertfile: String.to_charlist(file)]},
      else: {:error, Failure.not_readable(file)}
  end
end
