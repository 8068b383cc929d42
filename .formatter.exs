[inputs: ["{mix,.formatter}.exs", "{lib,test,bench,examples,guides}/**/*.{ex,exs}"]]
