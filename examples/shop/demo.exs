Shop.Demo.run()
