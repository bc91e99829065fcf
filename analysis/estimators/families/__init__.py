"""One module for each family of methods; every module here is imported when methods are looked up."""
