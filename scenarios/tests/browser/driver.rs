//! A small client of chromedriver: WebDriver is JSON over plain HTTP on the loopback.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A key that WebDriver names by a code point of its own.
pub const RIGHT: &str = "\u{e014}";
pub const LEFT: &str = "\u{e012}";
pub const HOME: &str = "\u{e011}";
pub const END: &str = "\u{e010}";
pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
const CONTROL: &str = "\u{e009}";

/// Why WebDriver's element objects have this key.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One page of a browser, which ends with this.
pub struct Browser {
    driver: Child,
    session: String,
    _profile: TempDir,
}

/// Whether a program can be started.
fn exists(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

impl Browser {
    /// Starts one; `None`, with a message, where none is installed.
    pub fn start() -> Option<Self> {
        let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| exists(name));
        let Some(chromium) = chromium.filter(|_| exists("chromedriver")) else {
            let is_required = std::env::var("FALKEN_BROWSER").is_ok_and(|value| value == "required");
            assert!(!is_required, "FALKEN_BROWSER=required, but there is no chromium or no chromedriver");
            eprintln!("SKIPPED: no browser here (Debian: apt-get install chromium chromium-driver)");
            return None;
        };
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let lines = BufReader::new(driver.stdout.take().expect("its output is piped")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let port = line.split_once("successfully on port ")?.1;
            Some(port.trim_end_matches('.').to_owned())
        });
        let address = format!("http://127.0.0.1:{}", port.expect("chromedriver says its port"));
        let profile = tempfile::tempdir().expect("a directory for the profile");
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1360,900",
        ]
        .map(String::from)
        .to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({"binary": which(chromium), "args": arguments});
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let mut browser = Self { driver, session: address.clone(), _profile: profile };
        let started = browser.post("/session", &wanted);
        let id = started["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {started}")).to_owned();
        browser.session = format!("{address}/session/{id}");
        Some(browser)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let mut response = ureq::post(format!("{}{path}", self.session))
            .config()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .content_type("application/json")
            .send(body.to_string())
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = response.body_mut().read_to_string().expect("an answer");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert!(answer["value"].get("error").is_none(), "{path} {body}: {answer}");
        answer["value"].clone()
    }

    /// Opens a file.
    pub fn open(&self, page: &Path) {
        self.post("/url", &json!({"url": format!("file://{}", page.display())}));
    }

    /// Runs a script in the page and gives what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The text of the first element that a CSS selector finds.
    pub fn text(&self, selector: &str) -> String {
        let found =
            self.run(&format!("const e = document.querySelector({}); return e && e.textContent", json!(selector)));
        found.as_str().unwrap_or_else(|| panic!("no element {selector}")).to_owned()
    }

    /// How many elements a selector finds.
    pub fn count(&self, selector: &str) -> u64 {
        self.run(&format!("return document.querySelectorAll({}).length", json!(selector))).as_u64().expect("a number")
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    /// Clicks as a mouse would: it fails if something covers the element.
    pub fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.element(selector)), &json!({}));
    }

    /// Types into whatever has the focus.
    pub fn keys(&self, keys: &str) {
        let press = |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        self.perform(&keys.chars().flat_map(press).collect::<Vec<_>>());
    }

    /// Pastes where the focus is.
    pub fn paste(&self) {
        let down = |key: &str| json!({"type": "keyDown", "value": key});
        let up = |key: &str| json!({"type": "keyUp", "value": key});
        self.perform(&[down(CONTROL), down("v"), up("v"), up(CONTROL)]);
    }

    fn perform(&self, actions: &[Value]) {
        self.post("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Waits until a script returns `true`; what it waits for is said if it does not come.
    pub fn wait(&self, what: &str, condition: &str) {
        let started = Instant::now();
        while self.run(&format!("return Boolean({condition})")) != json!(true) {
            assert!(started.elapsed() < Duration::from_secs(10), "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the page has complained about since the last call.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let entries = log.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        severe.map(|entry| entry["message"].to_string()).collect()
    }
}

/// The path of a program of the search path.
fn which(program: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file());
    found.map_or_else(|| program.into(), |file| file.display().to_string())
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session, the driver when it is told to.
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
