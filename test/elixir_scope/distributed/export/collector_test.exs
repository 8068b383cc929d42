Code.require_file("test/shared/certificates.exs")

defmodule ElixirScope.Distributed.Export.CollectorTest do
  # Spans on their way to a collector that is made here: what arrives, and what comes of its answers.
  use ExUnit.Case, async: true

  alias ElixirScope.Distributed.{Certificates, Error, Event, Export}
  alias ElixirScope.Distributed.Readers

  # Since Elixir 1.15 a project finds only the applications that it names.
  @client Enum.all?([:inets, :ssl], fn application ->
            try do
              if function_exported?(Mix, :ensure_application!, 1),
                do: apply(Mix, :ensure_application!, [application])

              :code.lib_dir(application) != {:error, :bad_name}
            rescue
              Mix.Error -> false
            end
          end)

  unless @client, do: IO.puts("nothing is sent to a collector here: no :inets, or no :ssl")

  @ok "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"

  # A collector that gives these answers, one for each request, and tells what it was sent.
  defp collector(answers, upgrade \\ &{:ok, &1}) do
    me = self()

    {:ok, listening} =
      :gen_tcp.listen(0, [:binary, active: false, packet: :raw, ip: {127, 0, 0, 1}])

    {:ok, port} = :inet.port(listening)
    start_supervised!({Task, fn -> serve(listening, answers, upgrade, me) end}, id: port)
    port
  end

  defp serve(_listening, [], _upgrade, _test), do: :ok

  defp serve(listening, answers, upgrade, test) do
    {:ok, socket} = :gen_tcp.accept(listening)

    answers =
      case upgrade.(socket) do
        {:ok, socket} -> talk(socket, answers, test)
        {:error, _refused} -> answers
      end

    serve(listening, answers, upgrade, test)
  end

  defp talk(_socket, [], _test), do: []

  defp talk(socket, [answer | answers], test) do
    case request(socket, "") do
      :closed ->
        [answer | answers]

      request ->
        send(test, {:request, request})
        answer(socket, answer)
        if answer == :close, do: answers, else: talk(socket, answers, test)
    end
  end

  defp answer(socket, :close), do: close(socket)
  defp answer(_socket, :silence), do: :ok
  defp answer({:ssl, socket}, text), do: :ssl.send(socket, text)
  defp answer(socket, text), do: :gen_tcp.send(socket, text)

  defp close({:ssl, socket}), do: :ssl.close(socket)
  defp close(socket), do: :gen_tcp.close(socket)

  defp request(socket, so_far) do
    with [head, body] <- String.split(so_far, "\r\n\r\n", parts: 2),
         [_, length] = Regex.run(~r/content-length: (\d+)/i, head),
         true <- byte_size(body) >= String.to_integer(length) do
      %{head: head, body: body}
    else
      _not_all -> more(socket, so_far)
    end
  end

  defp more(socket, so_far) do
    case receive_from(socket) do
      {:ok, bytes} -> request(socket, so_far <> bytes)
      {:error, _closed} -> :closed
    end
  end

  defp receive_from({:ssl, socket}), do: :ssl.recv(socket, 0, 5_000)
  defp receive_from(socket), do: :gen_tcp.recv(socket, 0, 5_000)

  defp calls(count) do
    for n <- 1..count, {kind, at} <- [call: 0, return: 10] do
      %Event{
        id: {{:web@host, 1}, 2 * n + div(at, 10)},
        at: {0, 1_700_000_000_000_000_000 + 100 * n + at, :web@host},
        mono_ns: 100 * n + at,
        node: :web@host,
        pid: self(),
        kind: kind,
        subject: {Shop, :buy, 1},
        correlation_id: "r-#{n}",
        data: [n]
      }
    end
  end

  defp sent(events, port, options),
    do:
      Export.send_otlp(
        events,
        [url: "http://127.0.0.1:#{port}/v1/traces", backoff_ms: 1] ++ options
      )

  if @client do
    test "all spans arrive, in requests of at most 512, with the headers that were given" do
      port = collector([@ok, @ok])

      assert {:ok, %{into: 2, events: 1_200, bytes: bytes}} =
               sent(calls(600), port, encoding: :json, headers: [{"authorization", "Bearer x"}])

      assert_received {:request, one}
      assert_received {:request, other}
      assert one.head =~ ~r{^POST /v1/traces HTTP/1.1\r\n}

      assert one.head =~ ~r{content-type: application/json}i and
               one.head =~ "authorization: Bearer x"

      assert byte_size(one.body) + byte_size(other.body) == bytes

      spans =
        for %{body: body} <- [one, other],
            %{"scopeSpans" => [%{"spans" => spans}]} <- Readers.decode(body)["resourceSpans"] do
          spans
        end

      assert [512, 88] = Enum.map(spans, &length/1)
      assert spans |> Enum.concat() |> Enum.uniq_by(& &1["spanId"]) |> length() == 600
      assert hd(hd(spans))["name"] == "Shop.buy/1"
    end

    test "protocol buffers are what is sent unless JSON is wanted" do
      port = collector([@ok])
      assert {:ok, %{into: 1}} = sent(calls(1), port, [])
      assert_received {:request, %{head: head, body: body}}
      assert head =~ ~r{content-type: application/x-protobuf}i
      {:ok, expected} = Export.otlp(calls(1))
      assert body == IO.iodata_to_binary(expected)
    end

    test "what may succeed later is sent again, as often as was said" do
      busy = "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"
      many = "HTTP/1.1 429 Many\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"
      port = collector([busy, :close, many, @ok])
      assert {:ok, %{into: 1}} = sent(calls(1), port, retries: 3)
      bodies = for _ <- 1..4, do: assert_received({:request, %{body: _}})
      assert length(Enum.uniq(bodies)) == 1

      port = collector([busy, busy])
      assert {:error, %Error{reason: :not_taken} = error} = sent(calls(1), port, retries: 1)
      assert %{reason: {503, "busy"}, sent: 0} = error.details
    end

    test "any other answer ends it, and says how much was taken" do
      bad = "HTTP/1.1 400 Bad\r\ncontent-length: 7\r\n\r\nno span"
      port = collector([@ok, bad])
      assert {:error, %Error{reason: :not_taken} = error} = sent(calls(600), port, [])
      assert %{reason: {400, "no span"}, sent: 1} = error.details

      assert Exception.message(error) =~
               "took 1 batches, and not the next one: {400, \"no span\"}"
    end

    test "a collector that says nothing is not waited for longer than was said" do
      port = collector([:silence, :silence])

      assert {:error, %Error{reason: :not_taken, details: %{reason: :timeout}}} =
               sent(calls(1), port, request_timeout_ms: 50, retries: 0)
    end

    test "nobody at the other end" do
      {:ok, listening} = :gen_tcp.listen(0, [])
      {:ok, port} = :inet.port(listening)
      :ok = :gen_tcp.close(listening)

      assert {:error, %Error{reason: :not_taken, details: %{reason: :econnrefused}}} =
               sent(calls(1), port, retries: 1)
    end

    if Certificates.there?() do
      @tag :tmp_dir
      @tag capture_log: true
      test "certificates are verified: who signed them is trusted, or nothing is sent", %{
        tmp_dir: folder
      } do
        {:ok, [options]} = folder |> Certificates.optfile() |> :file.consult()
        files = Map.new(options[:server])
        server = [certfile: files.certfile, keyfile: files.keyfile, verify: :verify_none]

        upgrade = fn socket ->
          with {:ok, socket} <- :ssl.handshake(socket, server, 5_000), do: {:ok, {:ssl, socket}}
        end

        send = fn port, options ->
          url = "https://127.0.0.1:#{port}/v1/traces"
          Export.send_otlp(calls(1), [url: url, retries: 0] ++ options)
        end

        trusted = [cacertfile: to_string(files.cacertfile)]
        assert {:ok, %{into: 1}} = send.(collector([@ok], upgrade), trusted)
        assert_received {:request, _}

        other = Path.join(folder, "other")
        File.mkdir_p!(other)
        {:ok, [others]} = other |> Certificates.optfile() |> :file.consult()
        strange = [cacertfile: to_string(others[:client][:cacertfile])]

        assert {:error, %Error{reason: :not_taken, details: %{reason: {:tls_alert, _}}}} =
                 send.(collector([@ok], upgrade), strange)

        refute_received {:request, _}

        assert {:error, %Error{reason: :not_readable}} =
                 send.(1, cacertfile: Path.join(folder, "none.pem"))
      end
    end
  end

  test "an address that is none" do
    for url <- [nil, "", "collector:4318", "ftp://host/x", "http://"] do
      assert {:error, %Error{reason: :bad_url}} = Export.send_otlp(calls(1), url: url)
    end

    assert {:error, %Error{reason: :bad_filter}} = Export.send_otlp(calls(1), headers: [:no])
  end
end
